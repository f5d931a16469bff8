"""What panels of several figures hold: words at a place, names kept apart, medians with ranges."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import LogLocator, NullLocator

from mechanics.figures.style import END, PAGE, REFERENCE, drawable

ARMS = (  # networks that stand for another one, in more dimensions or without a part
    *("linear_L1_axis", "linear_L1_subspace", "softmax_L1_subspace", "deep_L6_subspace"),
    *("deep_L6_no_skip", "deep_L6_no_mlp", "deep_L6_attention_only"),
    *(NOISY := ("linear_L1_noise", "linear_L6_noise", "deep_L6_noise")),
)


def rows_of(frame: pd.DataFrame, **values) -> pd.DataFrame:
    """The rows that have these values: ``rows_of(frame, model="linear_L1", k=20)``."""
    for column, value in values.items():
        frame = frame[frame[column] == value]
    return frame


def models_of(frame: pd.DataFrame) -> list[str]:
    """The networks of a table, in its order."""
    return list(dict.fromkeys(frame["model"]))


def rows_of_panels(n: int, columns: int, height: float, more: float = 0.0, **how):
    """n rows of panels across a page, each ``height`` inches high, and ``more`` for all."""
    size = (PAGE, more + height * n)
    return plt.subplots(n, columns, figsize=size, squeeze=False, **how)


def write(axis: plt.Axes, words: str, at: tuple, points: tuple | None = None, **how) -> None:
    """Words at a place, ``points`` (x, y) away from it; a place is a fraction of the axes.

    ``how``: options of ``annotate``; ``on`` is short for ``xycoords``, ``size`` for ``fontsize``.
    """
    how = {"color": REFERENCE, "size": 6, "on": "axes fraction"} | how
    how |= {"fontsize": how.pop("size"), "xycoords": how.pop("on")}
    if points is not None:
        how |= {"xytext": points, "textcoords": "offset points"}
    axis.annotate(words, at, **how)


def level(axis: plt.Axes, height: float | int, style: str = "--", **how) -> None:
    """A line of theory, grey, at one height."""
    how = {"color": REFERENCE, "linestyle": style, "linewidth": 0.8} | how
    axis.axhline(height, **how)


def limits(axis: plt.Axes, low: float | int, high: float | int) -> None:
    """Ends of the y axis, where there are numbers to have ends."""
    if np.isfinite([low, high]).all():
        axis.set_ylim(low, high)


def each_seed(axis: plt.Axes, frame: pd.DataFrame, x: str, y: str, *style: str, **how) -> None:
    """A line for every seed."""
    for _, own in frame.groupby("seed"):
        axis.plot(own[x], own[y], *style, **how)


def in_seeds(frame: pd.DataFrame) -> str:
    """1 seed, 2 seeds."""
    n = frame["seed"].nunique()
    return f"{n} seed{'s' if n != 1 else ''}"


def losses_axis(axis: plt.Axes) -> None:
    """A logarithmic axis over many decades, without their minor ticks."""
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(numticks=7))
    axis.yaxis.set_minor_locator(NullLocator())


def with_range(axis: plt.Axes, grouped, shade: str, middle="median", band=0.2, **how) -> float:
    """A line through the medians of groups of one column, a band from least to largest.

    Returns where the line ends.
    """
    line = grouped.agg(middle)
    axis.plot(line.index, line, color=shade, **how)
    low, high = grouped.min(), grouped.max()
    axis.fill_between(line.index, low, high, color=shade, alpha=band, linewidth=0)
    return last(line[np.isfinite(line)])


def last(values: pd.Series) -> float:
    """The last value; nan if there is none."""
    return float(values.iloc[-1]) if len(values) else np.nan


def shown_model(frame: pd.DataFrame) -> str:
    """One layer of softmax attention where a seed of it is sound, else the first network.

    Raises NothingToDraw if every seed diverged.
    """
    names = models_of(drawable(frame))
    return "softmax_L1" if "softmax_L1" in names else names[0]


def shown_seed(networks: pd.DataFrame, model: str) -> int:
    """The first sound seed of a model, of those that grokked where the table says which did."""
    own = drawable(networks[networks["model"] == model])
    grokked = own[own["status"] == "grokked"]
    return int((grokked if len(grokked) else own)["seed"].min())


def without_arms(frame: pd.DataFrame, kept: Sequence[str] = ()) -> pd.DataFrame:
    """Without ``ARMS``, which hide the networks that they vary; all, if nothing else is left.

    ``kept``: those of them that are shown.
    """
    others = frame[~frame["model"].isin({*ARMS} - {*kept})]
    return others if len(others) else frame


def lifted(
    places: Sequence[float], heights: Sequence[float], width: float, height: float
) -> list[float]:
    """Raise labels of this width and height until none overprints another; the lowest stay.

    >>> lifted([1.0, 2.0, 9.0], [0.0, 0.0, 0.0], 3.0, 0.5)
    [0.0, 0.5, 0.0]
    """
    found = list(heights)
    settled: list[int] = []
    for index in sorted(range(len(found)), key=lambda i: (heights[i], places[i])):
        near = [found[i] for i in settled if abs(places[i] - places[index]) < width]
        for other in sorted(near):
            if abs(other - found[index]) < height:
                found[index] = other + height
        settled.append(index)
    return found


def label_ends(axis: plt.Axes, ends: dict[str, tuple[float, str]], fontsize: float = 6.5) -> None:
    """Names at the right of an axis, at the heights of their lines' ends.

    ``ends``: text → (value on the y axis, colour); what has no value has no name. ``style.settle``
    keeps them apart.
    """
    for text, (height, shade) in ends.items():
        if np.isfinite(height):
            how = {"size": fontsize, "va": "center", "gid": f"{END} {height}"}
            write(axis, text, (1.01, 0.5), color=shade, annotation_clip=False, **how)
