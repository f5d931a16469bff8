"""Numbers with their uncertainty."""

from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds and its 95 % interval (nan where one seed gives none)."""

    value: float
    low: float
    high: float
    n: int


def mean_over_seeds(values, shared_se: float = 0.0) -> Estimate:
    """Mean and Student's 95 % interval over seeds; missing (nan) values are not counted.

    An infinite value is no missing one: the mean is then infinite.

    The interval speaks of the seeds, and of a standard error that they share, such as that of the
    prompts on which all of them are evaluated: no spread between seeds can show it.

    >>> mean_over_seeds([1.0, 2.0, 3.0]).n
    3
    """
    values = np.asarray(list(values), dtype=float)
    values = values[~np.isnan(values)]
    n = len(values)
    if n == 0:
        return Estimate(np.nan, np.nan, np.nan, 0)
    mean = float(values.mean())
    if n == 1 or not np.isfinite(mean):
        return Estimate(mean, np.nan, np.nan, n)
    half = float(stats.t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n))
    half = float(np.hypot(half, stats.norm.ppf(0.975) * shared_se))
    return Estimate(mean, mean - half, mean + half, n)
