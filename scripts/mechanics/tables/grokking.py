"""When each addition network memorised and grokked, what its norm did, and how it ended."""

from pathlib import Path

import pandas as pd

from mechanics.addition.weight_norm import norm_moments
from mechanics.tables.emergence import NO_TRANSITION, Transition, transition, validation_accuracy
from mechanics.tables.histories import ending, grokking_moments, on_new_pairs
from mechanics.tables.study import Study, arm_of

COLUMNS = [
    *("model", "arm", "weight_decay", "seed", "status", "memorised_step", "first_reached_step"),
    *("grokking_step", "last_step", "transition_start_step", "transition_end_step"),
    *("transition_width", "transition_width_all", "norm_squared_peak", "norm_squared_at_grokking"),
    *("norm_squared_final", "steepest_fall_step", "steepest_l2_fall_step"),
    *("steepest_relative_fall_step", "val_accuracy", "val_loss", "min_margin"),
    *("train_fraction", "entry"),
]
LEAST_GAIN = 0.1  # of accuracy: less than that is no transition


def tables(study: Study) -> dict[str, pd.DataFrame]:
    """``grokking``: a row per entry and seed."""
    rows = [row for run in study.runs_of("modular_addition") for row in tabulate(study, run)]
    return {"grokking": pd.DataFrame(rows, columns=COLUMNS)}


def tabulate(study: Study, run: Path) -> list[dict]:
    """A row for each seed of one run.

    ``transition_*``: of accuracy on pairs trained on in neither order, at the checkpoints; nan
    where these were not followed. ``transition_width_all``: the width on all validation pairs, at
    every measured step.
    """
    entry, record = run.parts[-2], study.records[run]
    settings = record["settings"]
    evaluation = study.analysis(run, "evaluation")
    progress = study.analysis(run, "progress") if study.settings.get("followed", True) else None
    history = pd.read_parquet(run / "history.parquet").assign(model=entry)
    moments = grokking_moments(history, settings["grokking_accuracy"]).set_index("seed")
    rows = []
    for replica in record["replicas"]:
        seed = replica["seed"]
        own, moment = history[history["seed"] == seed], moments.loc[seed]
        memorised, grokked = float(moment["memorised_step"]), float(moment["grokking_step"])
        norms = own.drop_duplicates("step").set_index("step")["norm_squared"]
        norms = norm_moments(norms.index.to_numpy(), norms.to_numpy(), memorised, grokked)
        of_all, of_new = _transition(validation_accuracy(own)), NO_TRANSITION
        if progress is not None:
            of_new = _transition(on_new_pairs(progress, seed, "accuracy"))
        final = evaluation[evaluation["seed"] == seed].set_index("split")
        rows.append(
            {
                **arm_of(entry, settings, study.variants),
                "seed": seed,
                "status": ending(replica["status"], grokked),
                "memorised_step": memorised,
                "first_reached_step": float(moment["first_reached_step"]),
                "grokking_step": grokked,
                "last_step": replica["last_step"],
                "transition_start_step": of_new.start_step,
                "transition_end_step": of_new.end_step,
                "transition_width": of_new.transition_width,
                "transition_width_all": of_all.transition_width,
                **norms,
                "val_accuracy": final["accuracy"]["validation"],
                "val_loss": final["loss"]["validation"],
                "min_margin": final["min_margin"]["all"],
                "train_fraction": settings["train_fraction"],
                "entry": entry,
            }
        )
    return rows


def _transition(curve: pd.Series) -> Transition:
    return transition(curve.index.to_numpy(), curve.to_numpy(), LEAST_GAIN)
