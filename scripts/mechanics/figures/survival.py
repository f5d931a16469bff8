"""Which addition networks have grokked, and when: the share that has not, by step."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import CensoredData, ecdf

DECAY_ARMS = ["main", "weight_decay"]  # weight decay is on from the first step to the last


def not_grokked(runs: pd.DataFrame):
    """Kaplan and Meier's estimate of the share of runs that have not grokked after each step.

    ``runs``: rows of the table grokking; one that did not grok is censored where it ended.
    Returned: the distribution that ``scipy.stats.ecdf`` makes of them.
    """
    ended, grokked = ends_of(runs)
    known = np.isfinite(ended)
    return ecdf(CensoredData(ended[known & grokked], right=ended[known & ~grokked])).sf


def survival_line(axis: plt.Axes, runs: pd.DataFrame, shade: str, bars: dict, **how) -> float:
    """The share of runs not grokked, by step, and a bar for each censored one; the last share.

    ``bars``: size and width of the bars.
    """
    share, (ended, grokked) = not_grokked(runs), ends_of(runs)
    shares = [1.0, *share.probabilities]
    axis.step([0.0, *share.quantiles], shares, where="post", color=shade, **how)
    for step in ended[~grokked]:
        axis.plot(step, share.evaluate(step), "|", color=shade, **bars)
    return shares[-1]


def ends_of(runs: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """When each run grokked or, if it did not, ended; and whether it grokked."""
    grokked = (runs["status"] == "grokked").to_numpy()
    return np.where(grokked, runs["grokking_step"], runs["last_step"]), grokked
