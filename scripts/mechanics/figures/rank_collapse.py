"""Rank collapse.

Rank collapse (Dong et al. 2021) in the deep softmax network: distance of the context tokens from
their mean, relative to their norm, by layer, for the whole network and without skip connections,
without MLPs, and without both, trained and untrained. Dashed: the bound of the theorem where its
condition holds; the strip shows for how many prompts it does.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mechanics.figures.panels import (
    each_seed,
    in_seeds,
    label_ends,
    models_of,
    rows_of_panels,
    write,
)
from mechanics.figures.style import REFERENCE, colour, label
from mechanics.regression.rank_collapse import ROUNDING, VARIANTS
from mechanics.tables.frames import sound

WORDS = {
    "whole": "whole network",
    "no_skip": "no skip connections",
    "no_mlp": "no MLPs",
    "attention_only": "attention only",
}
NORM_WORDS = {"composite": "‖·‖$_{1,∞}$", "frobenius": "Frobenius norm"}
BOTTOM, TOP = 1e-17, 1e3  # float64 leaves a ratio of some 1e-16 of tokens that are all the same
BOUND_NAME = 40.0  # ratio at which the bound's name stands: above 1, where nothing else is drawn


def rank_collapse(frame: pd.DataFrame, norm: str = "composite") -> Figure:
    """``frame``: the table of this name, of which one norm is drawn.

    A line is the median over prompts of one seed, a dot the mean, which a few prompts can hold up.
    The bound is drawn where at least half the prompts meet its condition (composite norm only; it
    says nothing above 1). Raises ValueError for a norm that is not in the frame.
    """
    if norm not in set(frame["norm"]):
        raise ValueError(f"norm = {norm!r}: expected one of {sorted(set(frame['norm']))}")
    models = models_of(frame)
    ratios = [5, 1] * len(models)
    shared = {"sharex": True, "sharey": "row", "height_ratios": ratios}
    figure, axes = rows_of_panels(2 * len(models), 2, 3.7 / 2, **shared)
    for row, model in enumerate(models):
        for column, trained in enumerate((True, False)):
            upper, lower = axes[2 * row : 2 * row + 2, column]
            own = frame[(frame["model"] == model) & (frame["trained"] == trained)]
            drawn = sound(own)
            _ratio_panel(upper, drawn[drawn["norm"] == norm])
            _condition_strip(lower, drawn)
            words = "trained" if trained else "untrained"
            upper.set_title(f"{label(model)}, {words}\n{_in_words(own)}")
        axes[2 * row, 0].set_ylabel(f"‖res(X)‖ / ‖X‖, {NORM_WORDS[norm]}")
        axes[2 * row + 1, 0].set_ylabel("prompts within\ncondition, %", fontsize=6)
    for axis in axes[-1]:
        axis.set_xlabel("layer (0: embedding)")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _ratio_panel(axis: Axes, part: pd.DataFrame) -> None:
    axis.set_yscale("log")
    axis.set_ylim(BOTTOM, TOP)
    ends = {}
    for variant in VARIANTS:
        lines = part[part["variant"] == variant].sort_values("layer")
        shade = colour(variant, list(VARIANTS))
        for _, own in lines.groupby("seed"):
            axis.plot(own["layer"], own["ratio_median"].clip(lower=BOTTOM), color=shade)
            axis.plot(own["layer"], own["ratio"].clip(lower=BOTTOM), ".", color=shade, ms=3)
        if len(lines):
            last = lines[lines["layer"] == lines["layer"].max()]
            words = f"{WORDS[variant]}\nrisk {last['risk'].median():.2g}"
            ends[words] = max(float(last["ratio_median"].median()), BOTTOM), shade
    label_ends(axis, ends, n_lines=2)
    _bound(axis, part[part["variant"] == "attention_only"])
    axis.axhspan(BOTTOM, ROUNDING, color="0.93", zorder=0)
    notes = {"rounding": "float64 rounding", "marks": "lines: median over prompts\ndots: mean"}
    for words, height in ((notes["rounding"], BOTTOM * 3), (notes["marks"], ROUNDING * 10)):
        write(axis, words, (0.1, height), on="data")


def _bound(axis: Axes, attention_only: pd.DataFrame) -> None:
    """The bound of each seed, and its name beside where they cross ``BOUND_NAME``."""
    if attention_only["condition_share"].isna().all():  # the norm is not that of the theorem
        return
    applies = attention_only[attention_only["condition_share"] >= 0.5].sort_values("layer")
    applies = applies.dropna(subset="bound")
    style = {"on": "data", "size": 6.5, "va": "center"}
    if applies.empty:
        write(axis, "condition of the bound not met", (0.1, BOUND_NAME), **style)
        return
    each_seed(axis, applies, "layer", "bound", "--", color=REFERENCE, linewidth=0.9)
    in_right_half = min(_crossings(applies, BOUND_NAME)) > applies["layer"].max() / 2
    # beside the outermost line, at the end of the words' height that is nearest to it
    nearest = BOUND_NAME * 8 if in_right_half else BOUND_NAME / 8
    outermost = min if in_right_half else max
    at = (outermost(_crossings(applies, nearest)), BOUND_NAME)
    points, side = ((-4, 0), "right") if in_right_half else ((4, 0), "left")
    write(axis, "bound for\nattention only", at, points, ha=side, **style)


def _crossings(applies: pd.DataFrame, level: float) -> list[float]:
    """The layer, between layers, at which the falling bound of each seed passes a level."""
    logs = [(own["layer"][::-1], np.log(own["bound"][::-1])) for _, own in applies.groupby("seed")]
    return [float(np.interp(np.log(level), bounds, layers)) for layers, bounds in logs]


def _condition_strip(axis: Axes, part: pd.DataFrame) -> None:
    known = part.dropna(subset="condition_share").sort_values("layer")
    for _, own in known.groupby("seed"):
        axis.plot(own["layer"], 100 * own["condition_share"], ".-", color=REFERENCE, ms=3, lw=0.8)
    axis.set_ylim(-8, 108)
    axis.set_yticks([0, 100])


def _in_words(part: pd.DataFrame) -> str:
    """Context length and seeds, and how many of these diverged and are not drawn."""
    n_diverged = part.loc[part["status"] == "diverged", "seed"].nunique()
    lengths = ", ".join(str(k) for k in sorted(part["k"].unique()))
    words = f"k = {lengths}, {in_seeds(part)}"
    return words + (f", {n_diverged} diverged, not drawn" if n_diverged else "")
