"""Does a network improve smoothly or abruptly? One measure for both tasks.

Progress is what held-out performance has gained of all that it will gain: 0 at step 0, 1 at the
last step. The transition runs from the step until which progress stays below 10 % to the first
from which it stays above 90 %; its width is log10 of the ratio of the two, in decades of steps. A
performance that grows in proportion to log(step) from step 1 on has a width near 0.8 of all the
decades trained, a step function 0.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

LOW, HIGH = 0.1, 0.9


@dataclass(frozen=True)
class Transition:
    """Steps between which performance changes, the width in decades, and as a share of training.

    nan where there was no gain to speak of. Steps are known as well as they are measured.
    """

    start_step: float
    end_step: float
    transition_width: float
    share_of_training: float


NO_TRANSITION = Transition(math.nan, math.nan, math.nan, math.nan)


def transition(steps: np.ndarray, performance: np.ndarray, least_gain: float) -> Transition:
    """The transition of one training, ``performance`` being better the larger it is.

    ``least_gain``: a smaller gain over the whole training counts as none. Between two measurements
    the step at which progress passes a level is interpolated in log(step); step 0 counts as 1.
    """
    steps, performance = np.asarray(steps, float), np.asarray(performance, float)
    gain = performance[-1] - performance[0]
    if not gain >= least_gain:  # nan is no gain
        return NO_TRANSITION
    progress = (performance - performance[0]) / gain
    logarithm = np.log10(np.maximum(steps, 1))
    start = _crossing(logarithm, progress, LOW, int(np.argmax(progress > LOW)))
    last_below = int(np.flatnonzero(progress < HIGH)[-1])
    end = _crossing(logarithm, progress, HIGH, last_below + 1)
    return Transition(
        float(10**start), float(10**end), end - start, float((10**end - 10**start) / steps[-1])
    )


def _crossing(logarithm: np.ndarray, progress: np.ndarray, level: float, after: int) -> float:
    """log10 of the step at which ``level`` is passed between measurements ``after`` − 1 and it."""
    ends = [after - 1, after]
    return float(np.interp(level, progress[ends], logarithm[ends]))


def performance(history: pd.DataFrame, task: str) -> pd.Series:
    """Held-out performance by step: validation accuracy, or 1 − risk at the longest k measured.

    The longest, because a mean over k would show when a curriculum adds the short ones. A risk
    above 1 counts as 1: how much worse than predicting 0 the first weights are says nothing about
    learning.
    """
    if task == "modular_addition":
        return history[history["split"] == "validation"].set_index("step")["accuracy"]
    longest = history[history["k"] == history["k"].max()]
    return 1 - longest.set_index("step")["risk"].clip(upper=1.0)
