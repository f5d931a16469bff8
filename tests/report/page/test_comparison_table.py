"""Rows of the comparative table, gathered by network and task."""

import numpy as np
import pandas as pd
from small_study import comparison_rows

from mechanics.report.page.comparison_table import grouped, number


def test_references_stand_beside_one_value():
    group, other = grouped(
        pd.DataFrame(comparison_rows("linear_regression") + comparison_rows("modular_addition"))
    )
    assert (group.configuration, group.task) == ("Linear Attention (L=1)", "linear_regression")
    assert other.task == "modular_addition"
    (line,) = group.lines
    assert (line.value, line.interval) == ("0.6543", "0.6 – 0.7")
    assert line.references == [("OLS", "0.5"), ("one-step optimum r*", "0.6111")]


def test_a_value_of_no_seed_is_said_so():
    rows = [row | {"n_seeds": 0, "value": np.nan, "ci_low": np.nan} for row in comparison_rows("t")]
    (group,) = grouped(pd.DataFrame(rows))
    assert (group.lines[0].value, group.lines[0].interval) == ("no seed", "")


def test_an_interpretation_stands_once_beside_the_metrics_that_share_it():
    rows = [
        row | {"metric": metric, "interpretation": words}
        for metric, words in (("k = 10", "a step"), ("k = 20", "a step"), ("k = 50", "many"))
        for row in comparison_rows("t")
    ]
    (group,) = grouped(pd.DataFrame(rows))
    found = [(line.interpretation, line.n_lines) for line in group.lines]
    assert found == [("a step", 2), ("", 0), ("many", 1)]


def test_numbers_are_short():
    assert [number(v) for v in (12769.2, 0.123456, 0.0)] == ["12,769", "0.1235", "0"]
