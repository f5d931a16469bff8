"""Draw the learning curves of one task from the histories of all its runs."""

import argparse
from pathlib import Path

import pandas as pd

from mechanics.figures import style
from mechanics.figures.learning_curves import grokking_curves, regression_learning_curves
from mechanics.histories import grokking_moments, read_histories
from mechanics.references import reference_risks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", required=True, choices=["linear_regression", "modular_addition"])
    parser.add_argument("--runs", required=True, type=Path, nargs="+", help="folders of the runs")
    parser.add_argument("--output", required=True, type=Path, help="folder of the figures")
    arguments = parser.parse_args()
    style.use_style()
    history, settings = read_histories(arguments.runs)
    if arguments.task == "linear_regression":
        references = pd.DataFrame(
            {"k": k, "name": name, "risk": risk}
            for k in sorted(history["k"].unique())
            for name, risk in reference_risks(settings["d"], int(k)).items()
        )
        figure = regression_learning_curves(history, references)
        style.save(figure, arguments.output, "regression_learning_curves")
    else:
        moments = grokking_moments(history, settings["grokking_accuracy"])
        style.save(grokking_curves(history, moments), arguments.output, "grokking_curves")


if __name__ == "__main__":
    main()
