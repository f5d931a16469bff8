"""Rank collapse."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mechanics.figures.panels import (
    ARMS,
    each_seed,
    in_seeds,
    label_ends,
    models_of,
    rows_of_panels,
    without_arms,
    write,
)
from mechanics.figures.style import REFERENCE, colour, label
from mechanics.tables.frames import sound

WORDS = {
    "whole": "whole network",
    "no_skip": "no skip connections",
    "no_mlp": "no MLPs",
    "attention_only": "attention only",
}
NORMS = {
    "composite": "‖·‖$_{1,∞}$",
    "frobenius": "Frobenius norm",
}  # the theorem is about the first
ROUNDING = 1e-13  # as in mechanics.regression.laws.attention_bound, which imports torch
BOTTOM, TOP = 1e-17, 1e3  # float64 leaves a ratio of some 1e-16 of tokens that are all the same


def rank_collapse(frame: pd.DataFrame, norm: str = "composite") -> Figure:
    """``frame``: the table of this name, of which one norm is drawn.

    Raises ValueError for a norm that is not in the frame.
    """
    if norm not in set(frame["norm"]):
        raise ValueError(f"norm = {norm!r}: expected one of {sorted(set(frame['norm']))}")
    first, *others = models_of(without_arms(frame)) + [m for m in models_of(frame) if m in ARMS]
    figure, axes = rows_of_panels(1, 2 + bool(others), 2.9, sharex=True, sharey=True)
    for axis, trained in zip(axes[0], (True, False), strict=False):
        own = frame[(frame["model"] == first) & (frame["trained"] == trained)]
        _ratios(axis, sound(own[own["norm"] == norm]))
        words = "trained" if trained else "untrained"
        axis.set_title(
            f"{label(first)}, {words}, {_in_words(own)}{_finding(own, norm)}", fontsize=7
        )
    if others:
        whole = frame[(frame["variant"] == "whole") & frame["trained"] & (frame["norm"] == norm)]
        _others(axes[0, 2], sound(whole[whole["model"].isin(others)]), others)
    axes[0, 0].set_ylabel(f"‖res(X)‖ / ‖X‖, {NORMS[norm]}")
    for axis in axes[0]:
        axis.set_xlabel("layer (0: embedding)")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _ratios(axis: Axes, part: pd.DataFrame) -> None:
    axis.set(yscale="log", ylim=(BOTTOM, TOP))
    ends = {}
    for variant, name in WORDS.items():
        lines = part[part["variant"] == variant].sort_values("layer")
        shade = colour(variant, list(WORDS))
        lines = lines.assign(ratio=lines["ratio"].clip(lower=BOTTOM))
        lines = lines.assign(ratio_median=lines["ratio_median"].clip(lower=BOTTOM))
        each_seed(axis, lines, "layer", "ratio_median", color=shade)
        each_seed(axis, lines, "layer", "ratio", ".", color=shade, ms=3)
        if len(lines):
            last = lines[lines["layer"] == lines["layer"].max()]
            words = f"{name}\nrisk {last['risk'].median():.2g}"
            ends[words] = float(last["ratio_median"].median()), shade
    label_ends(axis, ends)
    alone = part[part["variant"] == "attention_only"].sort_values("layer")
    applies = alone[alone["condition_share"] >= 0.5].dropna(subset="bound")
    each_seed(axis, applies, "layer", "bound", "--", color=REFERENCE, linewidth=0.9)
    known = alone["condition_share"].notna().any()
    words = "dashed: bound" if len(applies) else "condition of the bound not met" if known else ""
    write(axis, words, (0.02, 0.95))
    axis.axhspan(BOTTOM, ROUNDING, color="0.93", zorder=0)
    write(axis, "float64 rounding", (0.02, 0.03))


def _others(axis: Axes, whole: pd.DataFrame, models: list[str]) -> None:
    """Networks that were trained without a part, each as it is."""
    ends = {}
    for model in models_of(whole):
        own, shade = whole[whole["model"] == model].sort_values("layer"), colour(model, models)
        own = own.assign(ratio_median=own["ratio_median"].clip(lower=BOTTOM))
        each_seed(axis, own, "layer", "ratio_median", color=shade)
        last = own[own["layer"] == own["layer"].max()]
        words = f"{label(model)}\nrisk {last['risk'].median():.2g}"
        ends[words] = float(last["ratio_median"].median()), shade
    label_ends(axis, ends)
    axis.set_title("trained without a part", fontsize=7)


def _finding(own: pd.DataFrame, norm: str) -> str:
    """What is left at the last layer, in the median seed and prompt."""
    final = sound(own[(own["norm"] == norm) & (own["layer"] == own["layer"].max())])
    left = final.groupby("variant")["ratio_median"].median()
    if not {"attention_only", "whole"} <= set(left.index):
        return ""
    return f"\nattention: {left['attention_only']:.0e}, whole: {left['whole']:.2f}"


def _in_words(part: pd.DataFrame) -> str:
    """Context length and seeds, and how many of these diverged and are not drawn."""
    n_diverged = part.loc[part["status"] == "diverged", "seed"].nunique()
    lengths = ", ".join(str(k) for k in sorted(part["k"].unique()))
    words = f"k = {lengths}, {in_seeds(part)}"
    return words + (f", {n_diverged} diverged, not drawn" if n_diverged else "")
