"""Rank collapse."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.ticker import MaxNLocator

from mechanics.figures import panels
from mechanics.figures.style import REFERENCE, colour, label, note_diverged
from mechanics.tables.frames import sound

WORDS = {
    "whole": "whole network",
    "no_skip": "no skip connections",
    "no_mlp": "no MLPs",
    "attention_only": "attention only",
}
NORM = "composite"  # of those in the table, the one that the theorem is about
ROUNDING = 1e-13  # as in mechanics.regression.rank_collapse, which imports torch
BOTTOM, TOP = 1e-17, 1e3  # float64 leaves a ratio of some 1e-16 of tokens that are all the same


def rank_collapse(frame: pd.DataFrame) -> plt.Figure:
    """``frame``: the table of this name, of which one norm is drawn."""
    frame = frame[frame["norm"] == NORM]
    first = panels.models_of(panels.without_arms(frame))[0]
    others = [m for m in panels.models_of(frame) if m != first and _lacks_a_part(frame, m)]
    figure, axes = panels.rows_of_panels(1, 2 + bool(others), 2.9, sharex=True, sharey=True)
    for axis, trained in zip(axes[0], (True, False), strict=False):
        own = panels.rows_of(frame, model=first, trained=trained)
        _ratios(axis, sound(own))
        words = "trained" if trained else "untrained"
        words = f"{label(first)}, {words}, {_in_words(own)}{_finding(own)}"
        axis.set_title(words, fontsize=7)
    if others:  # trained without a part, each as it is
        whole, ends = sound(panels.rows_of(frame, variant="whole", trained=True)), {}
        parts = {name: variant for variant, name in WORDS.items()}
        for model in others:
            own = panels.rows_of(whole, model=model)
            part = parts.get(label(model), model)
            shade = colour(part, [*WORDS, *others])  # as where the part was cut off
            ends |= _medians(axes[0, 2], own, label(model), shade)
        panels.label_ends(axes[0, 2], ends)
        axes[0, 2].set_title("trained without a part", fontsize=7)
    axes[0, 0].set_ylabel("‖res(X)‖ / ‖X‖, ‖·‖$_{1,∞}$")
    for axis in axes[0]:
        axis.set_xlabel("layer (0: embedding)")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    note_diverged(figure, frame)
    return figure


def _lacks_a_part(frame: pd.DataFrame, model: str) -> bool:
    """Whether cutting a part off changes nothing, since the network was trained without it."""
    own = sound(panels.rows_of(frame, model=model, trained=True))
    ratios = own.pivot(index=["seed", "layer"], columns="variant", values="ratio")
    parts = ratios.reindex(columns=["no_skip", "no_mlp"])
    return len(own) > 0 and bool(parts.eq(ratios["whole"], axis="index").all().any())


def _ratios(axis: plt.Axes, part: pd.DataFrame) -> None:
    axis.set(yscale="log", ylim=(BOTTOM, TOP))
    ends = {}
    for variant, name in WORDS.items():
        own, shade = part[part["variant"] == variant], colour(variant, list(WORDS))
        own = own.assign(ratio=own["ratio"].clip(lower=BOTTOM))
        ends |= _medians(axis, own, name, shade)
        panels.each_seed(axis, own, "layer", "ratio", ".", color=shade, ms=3)
    panels.label_ends(axis, ends)
    alone = part[part["variant"] == "attention_only"].sort_values("layer")
    applies = alone[alone["condition_share"] >= 0.5].dropna(subset="bound")
    panels.each_seed(axis, applies, "layer", "bound", "--", color=REFERENCE, linewidth=0.9)
    known = alone["condition_share"].notna().any()
    words = "dashed: bound" if len(applies) else "condition of the bound not met" if known else ""
    panels.write(axis, words, (0.02, 0.95))
    axis.axhspan(BOTTOM, ROUNDING, color="0.93", zorder=0)
    panels.write(axis, "float64 rounding", (0.02, 0.03))


def _medians(axis: plt.Axes, own: pd.DataFrame, name: str, shade: str) -> dict:
    """A line per seed; its name with the risk at the last layer, where it ends, its colour."""
    own = own.assign(ratio_median=own["ratio_median"].clip(lower=BOTTOM)).sort_values("layer")
    panels.each_seed(axis, own, "layer", "ratio_median", color=shade)
    last = own[own["layer"] == own["layer"].max()]
    words = f"{name}\nrisk {last['risk'].median():.2g}"
    return {words: (float(last["ratio_median"].median()), shade)} if len(own) else {}


def _finding(own: pd.DataFrame) -> str:
    """What is left at the last layer, in the median seed and prompt."""
    final = sound(own[own["layer"] == own["layer"].max()])
    left = final.groupby("variant")["ratio_median"].median()
    if not {"attention_only", "whole"} <= set(left.index):
        return ""
    return f"\nattention: {left['attention_only']:.0e}, whole: {left['whole']:.2f}"


def _in_words(part: pd.DataFrame) -> str:
    """Context length and seeds."""
    lengths = ", ".join(str(k) for k in sorted(part["k"].unique()))
    return f"k = {lengths}, {panels.in_seeds(sound(part))}"
