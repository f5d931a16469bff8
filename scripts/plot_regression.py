"""Draw one figure of Track A from its tables."""

import argparse
from pathlib import Path

from mechanics.figures import style
from mechanics.figures.algorithm_match import algorithm_match
from mechanics.figures.attention_maps_regression import attention_maps_regression
from mechanics.figures.depth_bracket import depth_bracket
from mechanics.figures.effective_weights import effective_weights
from mechanics.figures.kernel_smoother import kernel_smoother
from mechanics.figures.rank_collapse import rank_collapse
from mechanics.figures.regression_emergence import regression_emergence
from mechanics.figures.regression_generalisation import regression_generalisation
from mechanics.figures.regression_risk import regression_risk_by_context
from mechanics.tables import read_table

FIGURES = {
    function.__name__: function
    for function in (
        regression_risk_by_context,
        effective_weights,
        algorithm_match,
        attention_maps_regression,
        depth_bracket,
        kernel_smoother,
        rank_collapse,
        regression_generalisation,
        regression_emergence,
    )
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figure", required=True, choices=FIGURES)
    parser.add_argument(
        "--tables", required=True, type=Path, nargs="+", help="in the order of its arguments"
    )
    parser.add_argument("--output", required=True, type=Path, help="folder of the figures")
    arguments = parser.parse_args()
    style.use_style()
    figure = FIGURES[arguments.figure](*map(read_table, arguments.tables))
    style.save(figure, arguments.output, arguments.figure)


if __name__ == "__main__":
    main()
