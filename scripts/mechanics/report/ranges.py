"""At which values of a column a relation between two others clearly holds, and how that is said."""

import math
from collections.abc import Callable

import pandas as pd

from mechanics.tables.statistics import mean_over_seeds

NONE = "none"


def holding(rows: pd.DataFrame, along: str, left: str, relation: Callable, right) -> list[bool]:
    """For every value of the column ``along``, in order: whether left stands clearly so to right.

    ``relation``: operator.lt, le, gt, ge or eq. ``right``: a column, or a value. Means over seeds
    must stand so, and so must the ends of their 95 % intervals that face each other.
    """
    result = []
    for _, own in rows.groupby(along):
        a = _ends(own[left])
        b = _ends(own[right]) if isinstance(right, str) else [right] * 3
        result.append(all(relation(one, other) for one, other in zip(a, reversed(b), strict=True)))
    return result


def _ends(values: pd.Series) -> list[float]:
    """Low end, mean and high end; of one seed its value."""
    estimate = mean_over_seeds(values)
    ends = [estimate.low, estimate.value, estimate.high]
    return [estimate.value if math.isnan(end) else end for end in ends]


def spans(values: list, holds: list[bool]) -> str:
    """The values at which it holds; those that follow each other as a span.

    >>> spans([5, 10, 15, 20, 25], [True, False, True, True, True])
    '5, 15 to 25'
    """
    runs: list[list] = []
    before = False
    for value, now in zip(values, holds, strict=True):
        if now and before:
            runs[-1].append(value)
        elif now:
            runs.append([value])
        before = now
    words = [f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]
    return ", ".join(words) or NONE
