"""How alike every regression network is to every reference algorithm, and which is nearest."""

import argparse
from pathlib import Path

import pandas as pd

from mechanics.runtime.files import atomic
from mechanics.tables.frames import read_analyses, sound, write_csv
from mechanics.tables.statistics import mean_over_seeds

MEASURES = ["preds_diff", "model_diff", "model_cos", "r_squared"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", required=True, type=Path, nargs="+", help="folders of the runs")
    parser.add_argument(
        "--analysis", required=True, type=Path, nargs="+", help="distances.parquet, in order"
    )
    parser.add_argument(
        "--by-step", required=True, type=Path, nargs="+", help="algorithms.parquet, in order"
    )
    parser.add_argument("--output", required=True, type=Path, help="CSV: model, algorithm, k, …")
    parser.add_argument("--output-by-step", required=True, type=Path, help="parquet: … step, …")
    arguments = parser.parse_args()
    write_csv(tabulate(read_analyses(arguments.runs, arguments.analysis)), arguments.output)
    with atomic(arguments.output_by_step) as part:
        by_step = median_by_step(read_analyses(arguments.runs, arguments.by_step))
        by_step.to_parquet(part, index=False)


def tabulate(frame: pd.DataFrame) -> pd.DataFrame:
    """Means over sound seeds; ``nearest`` marks the algorithm with the least preds_diff at a k.

    preds_diff_low and preds_diff_high are Student's 95 % interval over seeds (nan for one seed).
    """
    rows = []
    for (model, algorithm, k), own in sound(frame).groupby(["model", "algorithm", "k"], sort=False):
        estimate = mean_over_seeds(own["preds_diff"])
        rows.append(
            {
                "model": model,
                "algorithm": algorithm,
                "k": k,
                **own[MEASURES].mean().to_dict(),
                "preds_diff_low": max(estimate.low, 0.0),
                "preds_diff_high": estimate.high,
                "n_seeds": estimate.n,
            }
        )
    table = pd.DataFrame(rows)
    least = table.groupby(["model", "k"])["preds_diff"].transform("min")
    return table.assign(nearest=table["preds_diff"] == least)


def median_by_step(frame: pd.DataFrame) -> pd.DataFrame:
    """Median over sound seeds at every checkpoint that all of them have."""
    frame = sound(frame)
    n_seeds = frame.groupby("model")["seed"].nunique()
    grouped = frame.groupby(["model", "algorithm", "k", "step"], sort=False)
    table = grouped[MEASURES].median().assign(n_seeds=grouped["seed"].nunique()).reset_index()
    return table[table["n_seeds"] == table["model"].map(n_seeds)]


if __name__ == "__main__":
    main()
