"""When each addition network memorised and grokked, what its norm did, and how it ended."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from mechanics.addition.weight_norm import norm_moments
from mechanics.settings import read_settings
from mechanics.tables.emergence import NO_TRANSITION, Transition, performance, transition
from mechanics.tables.frames import arm_of, write_csv
from mechanics.tables.histories import accuracy_on_new_pairs, grokking_moments, run_of

COLUMNS = [
    *("model", "arm", "weight_decay", "seed", "status", "memorised_step", "first_reached_step"),
    *("grokking_step", "last_step", "transition_start_step", "transition_end_step"),
    *("transition_width", "transition_width_all", "norm_squared_peak", "norm_squared_at_grokking"),
    *("norm_squared_final", "steepest_fall_step", "steepest_l2_fall_step"),
    *("steepest_relative_fall_step", "val_accuracy", "val_loss", "min_margin"),
    *("train_fraction", "entry"),
]
LEAST_GAIN = 0.1  # of accuracy: less than that is no transition


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", required=True, type=Path, nargs="+", help="folders of the runs")
    parser.add_argument(
        "--analysis", required=True, type=Path, help="folder with what analyse_addition wrote"
    )
    parser.add_argument(
        "--progress", default=[], type=Path, nargs="*", help="progress.parquet of each run, if any"
    )
    parser.add_argument(
        "--variants", required=True, help="JSON: the model that each variant's name varies"
    )
    parser.add_argument("--output", required=True, type=Path, help="CSV: a row per entry and seed")
    arguments = parser.parse_args()
    variants = read_settings(arguments.variants)
    analysed = {run_of(path): path for path in arguments.progress}
    rows = []
    for folder in arguments.runs:
        path = analysed.get(folder.parts[-3:])
        progress = None if path is None else pd.read_parquet(path)
        rows += tabulate(folder, read_evaluation(arguments.analysis, folder), progress, variants)
    write_csv(pd.DataFrame(rows, columns=COLUMNS), arguments.output)


def read_evaluation(analysis: Path, run: Path) -> pd.DataFrame:
    """What was measured on a run; both folders end with …/{task}/{model}/{block}."""
    return pd.read_parquet(analysis.joinpath(*run.parts[-3:], "evaluation.parquet"))


def tabulate(
    folder: Path, evaluation: pd.DataFrame, progress: pd.DataFrame | None, variants: dict[str, str]
) -> list[dict]:
    """A row for each seed of one run. A run's folder is …/{model}/{block}.

    ``transition_*``: of accuracy on pairs trained on in neither order, at the checkpoints in
    ``progress``; nan where these were not analysed. ``transition_width_all``: the width on all
    validation pairs, at every measured step.
    """
    entry = folder.parent.name
    record = json.loads((folder / "run.json").read_text())
    settings = record["settings"]
    history = pd.read_parquet(folder / "history.parquet").assign(model=entry)
    moments = grokking_moments(history, settings["grokking_accuracy"]).set_index("seed")
    rows = []
    for replica in record["replicas"]:
        seed = replica["seed"]
        own, moment = history[history["seed"] == seed], moments.loc[seed]
        memorised, grokked = float(moment["memorised_step"]), float(moment["grokking_step"])
        norms = own.drop_duplicates("step").set_index("step")["norm_squared"]
        of_all = _transition(performance(own, "modular_addition"))
        of_new = NO_TRANSITION
        if progress is not None:
            of_new = _transition(accuracy_on_new_pairs(progress, seed))
        final = evaluation[evaluation["seed"] == seed].set_index("split")
        status = "censored" if pd.isna(grokked) else "grokked"
        rows.append(
            {
                **arm_of(entry, settings, variants),
                "seed": seed,
                "status": "diverged" if replica["status"] == "diverged" else status,
                "memorised_step": memorised,
                "first_reached_step": float(moment["first_reached_step"]),
                "grokking_step": grokked,
                "last_step": replica["last_step"],
                "transition_start_step": of_new.start_step,
                "transition_end_step": of_new.end_step,
                "transition_width": of_new.transition_width,
                "transition_width_all": of_all.transition_width,
                **asdict(
                    norm_moments(norms.index.to_numpy(), norms.to_numpy(), memorised, grokked)
                ),
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


if __name__ == "__main__":
    main()
