"""What panels of several figures hold: words at a place, names kept apart, medians with ranges."""

from collections.abc import Sequence
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator

from mechanics.figures.style import PAGE, PLACES, REFERENCE, drawable, lay_out


def models_of(frame: pd.DataFrame) -> list[str]:
    """The networks of a table, in its order."""
    return list(dict.fromkeys(frame["model"]))


def rows_of_panels(n: int, columns: int, height: float, more: float = 0.0, **how):
    """n rows of panels across a page, each ``height`` inches high, and ``more`` for all."""
    size = (PAGE, more + height * n)
    return plt.subplots(n, columns, figsize=size, squeeze=False, **how)


def write(axis: Axes, words: str, at: tuple, points: tuple | None = None, **how) -> None:
    """Words at a place, ``points`` (x, y) away from it; a place is a fraction of the axes.

    ``how``: options of ``annotate``; ``on`` is short for ``xycoords``, ``size`` for ``fontsize``.
    """
    how = {"color": REFERENCE, "size": 6, "on": "axes fraction"} | how
    how |= {"fontsize": how.pop("size"), "xycoords": how.pop("on")}
    if points is not None:
        how |= {"xytext": points, "textcoords": "offset points"}
    axis.annotate(words, at, **how)


def level(axis: Axes, height: float | int, style: str = "--", **how) -> None:
    """A line of theory, grey, at one height."""
    how = {"color": REFERENCE, "linestyle": style, "linewidth": 0.8} | how
    axis.axhline(height, **how)


def limits(axis: Axes, low: float | int, high: float | int) -> None:
    """Ends of the y axis, where there are numbers to have ends."""
    if np.isfinite([low, high]).all():
        axis.set_ylim(low, high)


def each_seed(axis: Axes, frame: pd.DataFrame, x: str, y: str, *style: str, **how) -> None:
    """A line for every seed."""
    for _, own in frame.groupby("seed"):
        axis.plot(own[x], own[y], *style, **how)


def in_seeds(frame: pd.DataFrame) -> str:
    """1 seed, 2 seeds."""
    n = frame["seed"].nunique()
    return f"{n} seed{'s' if n != 1 else ''}"


def losses_axis(axis: Axes) -> None:
    """A logarithmic axis over many decades, without their minor ticks."""
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(numticks=7))
    axis.yaxis.set_minor_locator(NullLocator())


def with_range(axis: Axes, grouped, shade: str, middle="median", band=0.2, **how) -> float:
    """A line through the medians of groups of one column, a band from least to largest.

    Returns where the line ends.
    """
    line = grouped.agg(middle)
    axis.plot(line.index, line, color=shade, **how)
    low, high = grouped.min(), grouped.max()
    axis.fill_between(line.index, low, high, color=shade, alpha=band, linewidth=0)
    return last(line)


def with_bars(axis: Axes, grouped, shade: str, shift: float = 0.0, **how) -> float:
    """Means of groups of one column, with bars from least to largest. Returns the last mean."""
    mean = grouped.mean()
    bars = [mean - grouped.min(), grouped.max() - mean]
    axis.errorbar(mean.index + shift, mean, bars, color=shade, **{"marker": "o"} | how)
    return last(mean)


def last(values: pd.Series) -> float:
    """The last value; nan if there is none."""
    return float(values.iloc[-1]) if len(values) else np.nan


def shown_model(frame: pd.DataFrame) -> str:
    """One layer of softmax attention where a seed of it is sound, else the first network.

    Raises NothingToDraw if every seed diverged.
    """
    names = models_of(drawable(frame))
    return "softmax_L1" if "softmax_L1" in names else names[0]


def spread(positions: list[float], distance: float) -> list[float]:
    """Move label positions apart to at least ``distance``, keeping their order.

    >>> spread([0.0, 0.0], 1.0)
    [-0.5, 0.5]
    """
    order = sorted(range(len(positions)), key=positions.__getitem__)
    moved = list(positions)
    for _ in range(200):
        for below, above in pairwise(order):
            overlap = distance - (moved[above] - moved[below])
            if overlap > 0:
                moved[below] -= overlap / 2
                moved[above] += overlap / 2
    return moved


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


def places_for_labels(axis: Axes, values: list[float], distance: float) -> list[float]:
    """Heights, as fractions of the axes, for labels of these values ``distance`` points apart."""
    box = axis.get_window_extent()
    pixels = [float(axis.transData.transform((1, value))[1]) for value in values]
    inside = [min(max(pixel, box.y0), box.y1) for pixel in pixels]
    gap, limit = distance * axis.figure.dpi / 72, box.y1
    moved = spread(inside, gap)
    for index in sorted(range(len(moved)), key=moved.__getitem__, reverse=True):
        moved[index] = min(moved[index], limit)  # above the axes there are titles
        limit = moved[index] - gap
    if len(moved) * gap <= box.height:  # below the axes there are the numbers of the x axis
        limit = box.y0
        for index in sorted(range(len(moved)), key=moved.__getitem__):
            moved[index] = max(moved[index], limit)
            limit = moved[index] + gap
    return [round((pixel - box.y0) / box.height, PLACES) for pixel in moved]


def label_ends(
    axis: Axes, ends: dict[str, tuple[float, str]], fontsize: float = 6.5, n_lines: int = 1
) -> None:
    """Names at the right of an axis at the heights of their lines' ends, kept apart.

    ``ends``: text of ``n_lines`` lines → (value on the y axis, colour); what has no value has no
    name. Call it when the limits of the axis are final.
    """
    ends = {text: end for text, end in ends.items() if np.isfinite(end[0])}
    lay_out(axis.get_figure(root=True))
    distance = 1.3 * fontsize * n_lines
    places = places_for_labels(axis, [value for value, _ in ends.values()], distance)
    for (text, (_, text_colour)), place in zip(ends.items(), places, strict=True):
        how = {"size": fontsize, "va": "center", "annotation_clip": False}
        write(axis, text, (1.01, place), color=text_colour, **how)
