"""Does a network improve smoothly or abruptly? One measure for both tasks.

Progress is what held-out performance has gained of all that it will gain: 0 at the first step, 1
at the last. The transition runs from the step until which progress stays below 10 % to the first
from which it stays above 90 %. How wide it is depends on the axis: in steps, as a share of the
training, or in decades of steps, log10 of the ratio of its ends, where what comes late looks
sharp. A performance that grows in proportion to log(step) from step 1 on has a width near 0.8 of
all the decades trained, a step function 0. Two tasks are compared by the fall of a loss: an
accuracy is a threshold, and makes any improvement look abrupt (Schaeffer et al. 2023).
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

LOW, HIGH = 0.1, 0.9


@dataclass(frozen=True)
class Transition:
    """Steps between which performance changes, and its width: decades, steps, share of training.

    nan where there was no gain to speak of. Steps are known as well as they are measured.
    """

    start_step: float
    end_step: float
    transition_width: float
    transition_steps: float
    share_of_training: float


NO_TRANSITION = Transition(*[math.nan] * 5)


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
    first, last = float(10**start), float(10**end)
    return Transition(first, last, end - start, last - first, (last - first) / float(steps[-1]))


def fall(loss: pd.Series, least_share: float) -> Transition:
    """The transition of a loss, by step, from its maximum to its end.

    A loss that rises first, as that of a network that memorises, has still to learn all of it.
    One that ends less than ``least_share`` of the first loss below it has learned nothing.
    """
    if not loss.iloc[-1] <= (1 - least_share) * loss.iloc[0]:  # nan is no loss
        return NO_TRANSITION
    falling = loss.loc[loss.idxmax() :]
    return transition(falling.index.to_numpy(), -falling.to_numpy(), least_gain=0.0)


def _crossing(logarithm: np.ndarray, progress: np.ndarray, level: float, after: int) -> float:
    """log10 of the step at which ``level`` is passed between measurements ``after`` − 1 and it."""
    ends = [after - 1, after]
    return float(np.interp(level, progress[ends], logarithm[ends]))


def regression_loss(history: pd.DataFrame) -> pd.Series:
    """Held-out risk of one seed by step, at the longest k measured.

    The longest, because a mean over k would show when a curriculum adds the short ones. A risk
    above 1 counts as 1: how much worse than predicting 0 the first weights are says nothing about
    learning.
    """
    longest = history[history["k"] == history["k"].max()].set_index("step")
    return longest["risk"].clip(upper=1.0)


def validation_accuracy(history: pd.DataFrame) -> pd.Series:
    """One seed's accuracy on all validation pairs, by step."""
    return history[history["split"] == "validation"].set_index("step")["accuracy"]
