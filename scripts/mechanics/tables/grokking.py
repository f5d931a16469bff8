"""When each addition network memorised and grokked, what its norm did, and how it ended."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from mechanics.addition.weight_norm import norm_moments
from mechanics.tables.emergence import (
    NO_TRANSITION,
    ending,
    grokking_moments,
    on_new_pairs,
    transition,
)
from mechanics.tables.study import Study, arm_of

COLUMNS = [
    *("model", "arm", "weight_decay", "seed", "status", "memorised_step", "first_reached_step"),
    *("grokking_step", "last_step", "transition_start_step", "transition_end_step"),
    *("transition_width", "norm_squared_peak", "norm_squared_at_grokking"),
    *("norm_squared_final", "steepest_fall_step", "steepest_l2_fall_step"),
    *("steepest_relative_fall_step", "val_accuracy", "val_loss", "min_margin"),
    *("train_fraction", "entry"),
]
LEAST_GAIN = 0.1  # of accuracy: less than that is no transition


def tables(study: Study) -> dict[str, pd.DataFrame]:
    """``grokking``: a row per entry and seed."""
    rows = [row for run in study.runs_of("modular_addition") for row in tabulate(study, run)]
    return {"grokking": pd.DataFrame(rows, columns=COLUMNS)}


def ends(study: Study, run: Path) -> Iterator[tuple[dict, pd.DataFrame]]:
    """Of each seed of a run what became of it, by column, and its history."""
    entry, record = run.parts[-2], study.records[run]
    settings = record["settings"]
    history = pd.read_parquet(run / "history.parquet")
    moments = grokking_moments(history, settings["grokking_accuracy"])
    evaluation = study.analysis(run, "evaluation").set_index(["seed", "split"])
    for replica in record["replicas"]:
        seed = replica["seed"]
        about = {
            **arm_of(entry, settings, study.variants),
            "seed": seed,
            "status": ending(replica["status"], moments["grokking_step"][seed]),
            **moments.loc[seed],
            "last_step": replica["last_step"],
            "stalled_step": replica.get("stalled_step"),
            "val_accuracy": evaluation["accuracy"][seed, "validation"],
            "val_loss": evaluation["loss"][seed, "validation"],
            "min_margin": evaluation["min_margin"][seed, "all"],
            "entry": entry,
        }
        yield about, history[history["seed"] == seed]


def tabulate(study: Study, run: Path) -> list[dict]:
    """A row for each seed of one run.

    ``transition_*``: of accuracy on pairs trained on in neither order, at the checkpoints; nan
    where these were not followed.
    """
    progress = study.analysis(run, "progress") if study.settings.get("followed", True) else None
    rows = []
    for about, history in ends(study, run):
        norms = history.drop_duplicates("step").set_index("step")["norm_squared"]
        moments = about["memorised_step"], about["grokking_step"]
        found = NO_TRANSITION
        if progress is not None:
            curve = on_new_pairs(progress, about["seed"], "accuracy")
            found = transition(curve.index.to_numpy(), curve.to_numpy(), LEAST_GAIN)
        rows.append(
            {
                **about,
                "transition_start_step": found.start_step,
                "transition_end_step": found.end_step,
                "transition_width": found.transition_width,
                **norm_moments(norms.index.to_numpy(), norms.to_numpy(), *moments),
                "train_fraction": study.records[run]["settings"]["train_fraction"],
            }
        )
    return rows
