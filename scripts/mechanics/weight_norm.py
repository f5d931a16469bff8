"""Σθ² over a training that groks: where it peaks, and where it falls fastest, found by rule."""

import math
from dataclasses import dataclass

import numpy as np

WINDOW = 500  # steps over which a fall is measured: wide enough to pass over single spikes


@dataclass(frozen=True)
class NormMoments:
    """Σθ² at its largest, at the grokking step and at the end, and the centre of the steepest fall.

    ``peak`` is the largest value, first weights included; ``steepest_fall_step`` the centre of the
    window of ``WINDOW`` steps, after memorisation, in which Σθ² loses most. nan: it never was.
    """

    norm_squared_peak: float
    norm_squared_at_grokking: float
    norm_squared_final: float
    steepest_fall_step: float


def norm_moments(
    steps: np.ndarray, norm_squared: np.ndarray, memorised_step: float, grokking_step: float
) -> NormMoments:
    """Moments of one training; ``memorised_step`` and ``grokking_step`` may be nan (never).

    Between measurements Σθ² is interpolated linearly in the step.
    """
    steps, norm_squared = np.asarray(steps, float), np.asarray(norm_squared, float)
    at_grokking = math.nan
    if not math.isnan(grokking_step):
        at_grokking = float(np.interp(grokking_step, steps, norm_squared))
    return NormMoments(
        float(norm_squared.max()),
        at_grokking,
        float(norm_squared[-1]),
        _steepest_fall(steps, norm_squared, memorised_step),
    )


def _steepest_fall(steps: np.ndarray, norm_squared: np.ndarray, after: float) -> float:
    if math.isnan(after) or steps[-1] - after < WINDOW:
        return math.nan
    starts = np.arange(after, steps[-1] - WINDOW + 1)
    fall = np.interp(starts, steps, norm_squared) - np.interp(starts + WINDOW, steps, norm_squared)
    if not fall.max() > 0:
        return math.nan
    return float(starts[fall.argmax()] + WINDOW / 2)
