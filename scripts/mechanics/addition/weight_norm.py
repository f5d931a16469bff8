"""Σθ² over a training that groks: where it peaks, and where it falls fastest, found by rule.

Σθ² loses most where it is large, its logarithm where the *share* lost is largest; ‖θ‖₂ lies between
the two. All three are measured over the same windows, so that a reader sees whether they agree.
"""

import math

import numpy as np

WINDOW = 500  # steps over which a fall is measured: wide enough to pass over single spikes
LEAST = 1e-3  # share of Σθ²: a norm that is held fixed falls by less, by rounding, which is no fall
FALLS = {  # of what function of Σθ²
    "steepest_fall_step": np.positive,
    "steepest_l2_fall_step": np.sqrt,
    "steepest_relative_fall_step": np.log,
}


def norm_moments(
    steps: np.ndarray, norm_squared: np.ndarray, memorised_step: float, grokking_step: float
) -> dict[str, float]:
    """Σθ² at its largest, at the grokking step and at the end, and the steps of ``FALLS``.

    ``memorised_step`` and ``grokking_step`` may be nan (never). Between measurements Σθ² is
    interpolated linearly in the step. A fall's step is the centre of the ``WINDOW`` steps after
    memorisation in which the quantity loses most; nan: it never was.
    """
    steps, norm_squared = np.asarray(steps, float), np.asarray(norm_squared, float)
    found = {
        "norm_squared_peak": float(norm_squared.max()),
        "norm_squared_at_grokking": float(np.interp(grokking_step, steps, norm_squared)),
        "norm_squared_final": float(norm_squared[-1]),
        **dict.fromkeys(FALLS, math.nan),
    }
    if not steps[-1] - memorised_step >= WINDOW:
        return found
    starts = np.arange(memorised_step, steps[-1] - WINDOW + 1)
    first, last = (np.interp(at, steps, norm_squared) for at in (starts, starts + WINDOW))
    if (1 - last / first).max() > LEAST:
        for name, size in FALLS.items():
            fall = size(first) - size(last)
            found[name] = float(starts[fall.argmax()] + WINDOW / 2)
    return found
