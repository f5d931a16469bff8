"""Where a relation clearly holds, and how that is said."""

import operator

import pandas as pd
import pytest

from mechanics.report.ranges import holding, spans


@pytest.mark.parametrize(
    ("holds", "words"),
    [
        ([1, 1, 1], "5 to 15"),
        ([1, 0, 1], "5, 15"),
        ([0, 1, 1], "10 to 15"),
        ([0, 0, 0], "none"),
    ],
)
def test_neighbours_are_a_span(holds, words):
    assert spans([5, 10, 15], [bool(own) for own in holds]) == words


def test_intervals_must_not_overlap_and_one_seed_counts_as_it_is():
    rows = pd.DataFrame({"k": [1, 1, 2, 2, 3], "risk": [0.1, 0.1, 0.0, 0.38, 0.3], "law": 0.4})
    assert holding(rows, "k", "risk", operator.lt, "law") == [True, False, True]
    assert holding(rows, "k", "law", operator.gt, "risk") == [True, False, True]
    assert holding(rows, "k", "risk", operator.lt, 0.2) == [True, False, False]
    assert holding(rows.assign(nearest=rows["k"] == 3), "k", "nearest", operator.eq, True) == [
        *(False, False, True)
    ]
