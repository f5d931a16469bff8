"""Draw the learning curves of one task from the histories of all its runs."""

import argparse
from pathlib import Path

import pandas as pd

from mechanics.figures import style
from mechanics.figures.learning_curves import grokking_curves, regression_learning_curves
from mechanics.regression.references import mixture_risk, reference_risks
from mechanics.study.lineage import short_id
from mechanics.tables.histories import grokking_moments, read_histories


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", required=True, choices=["linear_regression", "modular_addition"])
    parser.add_argument("--runs", required=True, type=Path, nargs="+", help="folders of the runs")
    parser.add_argument("--output", required=True, type=Path, help="folder of the figures")
    arguments = parser.parse_args()
    style.use_style()
    history, settings = read_histories(arguments.runs)
    read = [run / file for run in arguments.runs for file in ("run.json", "history.parquet")]
    made_from = short_id(read, Path(__file__))
    if arguments.task == "linear_regression":
        references = regression_levels(settings, sorted(history["k"].unique().tolist()))
        figure = regression_learning_curves(history, references)
        style.save(figure, arguments.output, "regression_learning_curves", made_from)
    else:
        moments = grokking_moments(history, settings["grokking_accuracy"])
        figure = grokking_curves(history, moments)
        style.save(figure, arguments.output, "grokking_curves", made_from)


def regression_levels(settings: dict, lengths: list[int]) -> pd.DataFrame:
    """The dashed lines: k, name, risk."""
    d, k_min, k_max = settings["d"], settings["k_min"], settings["k_max"]
    rows = []
    for k in lengths:
        levels = reference_risks(d, k) | {"one step for all k": mixture_risk(d, k_min, k_max, k)}
        rows += [{"k": k, "name": name, "risk": level} for name, level in levels.items()]
    return pd.DataFrame(rows)


if __name__ == "__main__":
    main()
