"""Numbers with their uncertainty."""

from dataclasses import dataclass

import numpy as np
from scipy import special  # scipy.stats has the same, and takes half a second to import


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds and its 95 % interval (nan where one seed gives none)."""

    value: float
    low: float
    high: float
    n: int


def mean_over_seeds(values, shared_se: float = 0.0) -> Estimate:
    """Mean and Student's 95 % interval over seeds; missing (nan) values are not counted.

    An infinite value is no missing one: the mean is then infinite. Seeds that are all equal have
    no interval: Student's would be of width zero, as if three of three were all there are. How
    often seeds do something is for ``share_of_seeds``.

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
    if n == 1 or not np.isfinite(mean) or values.min() == values.max():
        return Estimate(mean, np.nan, np.nan, n)
    half = float(special.stdtrit(n - 1, 0.975) * values.std(ddof=1) / np.sqrt(n))
    half = float(np.hypot(half, special.ndtri(0.975) * shared_se))
    return Estimate(mean, mean - half, mean + half, n)


def share_of_seeds(did: int, n: int) -> Estimate:
    """Share of seeds that did something, with its exact binomial 95 % interval.

    Clopper and Pearson's. Where all or none did, the interval ends at 1 or at 0 whatever the truth,
    and the whole 5 % lies at its other end.

    >>> round(share_of_seeds(3, 3).low, 2)  # three of three may be a little more than a third
    0.37
    """
    if n == 0:
        return Estimate(np.nan, np.nan, np.nan, 0)
    tail = 0.05 if did in (0, n) else 0.025
    low = special.betaincinv(did, n - did + 1, tail) if did else 0.0
    high = special.betaincinv(did + 1, n - did, 1 - tail) if did < n else 1.0
    return Estimate(did / n, float(low), float(high), n)
