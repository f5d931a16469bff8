"""When each addition network memorised and grokked, what its norm did, and how it ended."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from mechanics.emergence import performance, transition
from mechanics.histories import grokking_moments
from mechanics.settings import read_settings
from mechanics.tables import arm_of, write_csv
from mechanics.weight_norm import norm_moments

COLUMNS = [
    *("model", "arm", "weight_decay", "seed", "status", "memorised_step", "grokking_step"),
    *("last_step", "transition_width", "norm_squared_peak", "norm_squared_at_grokking"),
    *("norm_squared_final", "steepest_fall_step", "val_accuracy", "val_loss", "min_margin"),
    *("train_fraction", "entry"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", required=True, type=Path, nargs="+", help="folders of the runs")
    parser.add_argument(
        "--analysis", required=True, type=Path, help="folder with what evaluate_addition wrote"
    )
    parser.add_argument(
        "--variants", required=True, help="JSON: the model that each variant's name varies"
    )
    parser.add_argument("--output", required=True, type=Path, help="CSV: a row per entry and seed")
    arguments = parser.parse_args()
    variants = read_settings(arguments.variants)
    rows = [
        row
        for folder in arguments.runs
        for row in tabulate(folder, read_evaluation(arguments.analysis, folder), variants)
    ]
    write_csv(pd.DataFrame(rows, columns=COLUMNS), arguments.output)


def read_evaluation(analysis: Path, run: Path) -> pd.DataFrame:
    """What was measured on a run; both folders end with …/{task}/{model}/{block}."""
    return pd.read_parquet(analysis.joinpath(*run.parts[-3:], "evaluation.parquet"))


def tabulate(folder: Path, evaluation: pd.DataFrame, variants: dict[str, str]) -> list[dict]:
    """A row for each seed of one run. A run's folder is …/{model}/{block}."""
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
        curve = performance(own, "modular_addition")
        width = transition(curve.index.to_numpy(), curve.to_numpy(), least_gain=0.1)
        final = evaluation[evaluation["seed"] == seed].set_index("split")
        status = "censored" if pd.isna(grokked) else "grokked"
        rows.append(
            {
                **arm_of(entry, settings, variants),
                "seed": seed,
                "status": "diverged" if replica["status"] == "diverged" else status,
                "memorised_step": memorised,
                "grokking_step": grokked,
                "last_step": replica["last_step"],
                "transition_width": width.transition_width,
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


if __name__ == "__main__":
    main()
