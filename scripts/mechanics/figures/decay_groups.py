"""Addition networks by weight decay and arm, and which of them have grokked."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import CensoredData, ecdf

from mechanics.figures.style import arm_colours, drawable, ordered

GROUP = ["model", "arm", "weight_decay"]
DECAY_ARMS = ["main", "weight_decay"]  # weight decay is on from the first step to the last
ARM_WORDS = {"main": "decay kept", "no_decay": "decay off", "fixed_norm": "norm fixed"}


def not_grokked(runs: pd.DataFrame):
    """Kaplan and Meier's estimate of the share of runs that have not grokked after each step.

    ``runs``: rows of the table grokking; one that did not grok is censored where it ended.
    Returned: the distribution that ``scipy.stats.ecdf`` makes of them.
    """
    ended, grokked = ends_of(runs)
    known = np.isfinite(ended)
    return ecdf(CensoredData(ended[known & grokked], right=ended[known & ~grokked])).sf


def survival_line(axis: Axes, runs: pd.DataFrame, shade: str, bars: dict, **how) -> float:
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


def rows_of_models(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The runs of each model that has several groups, or of every model; none that diverged.

    Raises NothingToDraw if none is left.
    """
    models = {model: own for model, own in drawable(runs).groupby("model", sort=False)}
    varied = {m: own for m, own in models.items() if len(own.drop_duplicates(GROUP)) > 1}
    return varied or models


Groups = dict[tuple[str, float], str]  # (arm, weight decay): name


def decays(own: pd.DataFrame) -> Groups:
    """Arms whose weight decay stays as it is, by weight decay."""
    pairs = own.loc[own["arm"].isin(DECAY_ARMS), ["weight_decay", "arm"]].drop_duplicates()
    return {(arm, decay): f"{decay:g}" for decay, arm in sorted(pairs.itertuples(index=False))}


def arms(own: pd.DataFrame) -> Groups:
    """The main arm and those that change something once the network has memorised."""
    pairs = own.loc[own["arm"] != "weight_decay", ["arm", "weight_decay"]].drop_duplicates()
    names = (ARM_WORDS.get(arm, arm.replace("_", " ")) for arm in pairs["arm"])
    return dict(zip(pairs.itertuples(index=False, name=None), names, strict=True))


def group_colours(own: pd.DataFrame) -> dict[tuple[str, float], str]:
    """Darker for more weight decay; the arms take colours of their own."""
    by_decay = decays(own)
    changed = [group for group in arms(own) if group[0] not in DECAY_ARMS]
    found = dict(zip(by_decay, ordered(len(by_decay)), strict=True))
    own_colours = arm_colours(dict.fromkeys(arm for arm, _ in changed))
    return found | {group: own_colours[group[0]] for group in changed}


def of_group(frame: pd.DataFrame, group: tuple[str, float]) -> pd.DataFrame:
    arm, decay = group
    return frame[(frame["arm"] == arm) & (frame["weight_decay"] == decay)]
