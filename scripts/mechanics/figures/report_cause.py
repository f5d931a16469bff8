"""What the parts of the circuit cause.

What the circuit's parts cause: loss without each frequency; recovery by patching the neurons that
rank first, through TransformerLens hooks, and as many at random; least margin with few frequencies
kept.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mechanics.figures.report_addition import shown_model, shown_seed
from mechanics.figures.style import (
    REFERENCE,
    colour,
    label_ends,
    letter_panels,
    spread,
    strip_of_panels,
)
from mechanics.tables.frames import sound

LABEL_DISTANCE = 3.5  # of names of frequencies, in frequencies


def report_cause(
    ablation: pd.DataFrame, groups: pd.DataFrame, parsimony: pd.DataFrame, grokking: pd.DataFrame
) -> Figure:
    """(a) loss without each frequency, (b) recovery by the n neurons that rank first, patched
    through hooks, against random ones, (c) least margin with n frequencies kept.

    ``ablation``, ``groups``, ``parsimony``, ``grokking``: frequency_ablation, patching_groups,
    parsimony and grokking, of main configurations; the network is that of ``report_addition``.
    """
    model = shown_model(grokking)
    seed = shown_seed(grokking, model)
    figure, axes = strip_of_panels(3)
    ablation, groups, parsimony = (
        table[table["model"] == model] for table in (ablation, groups, parsimony)
    )
    _ablation_panel(
        axes[0], ablation[ablation["seed"] == seed], seed, colour(model, grokking["model"])
    )
    _patching_panel(axes[1], sound(groups), colour(model, grokking["model"]))
    _margin_panel(axes[2], sound(parsimony), colour(model, grokking["model"]))
    letter_panels(axes)
    return figure


def _ablation_panel(axis: Axes, ablation: pd.DataFrame, seed: int, shade: str) -> None:
    own = ablation[(ablation["level"] == "logits") & (ablation["split"] == "all")]
    shades = np.where(own["is_key"], shade, "0.6")
    axis.vlines(own["frequency"], own["loss_full"], own["loss"], color=shades, linewidth=1.4)
    axis.scatter(own["frequency"], own["loss"], color=shades, s=4, zorder=3)
    keys = own[own["is_key"]]
    places = spread(keys["frequency"].astype(float).tolist(), LABEL_DISTANCE)
    for row, place in zip(keys.itertuples(), places, strict=True):
        axis.annotate(
            str(row.frequency),
            (place, row.loss),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            fontsize=5.5,
            color=shade,
        )
    if len(own):
        axis.axhline(own["loss_full"].iloc[0], color=REFERENCE, linestyle="--", linewidth=0.8)
        axis.set_ylim(own["loss_full"].iloc[0] / 5, 8 * own["loss"].max())
    axis.set(yscale="log", xlabel="frequency removed", ylabel="loss, nats", title=f"seed {seed}")


def _patching_panel(axis: Axes, groups: pd.DataFrame, shade: str) -> None:
    own = groups[groups["direction"] == "denoising"].dropna(subset="recovery")
    ends = {}
    for kind, name, tint in (("top", "by rank", shade), ("random", "at random", "0.6")):
        lines = own[own["kind"] == kind].groupby(["seed", "n_neurons"])["recovery"].mean()
        for _, line in lines.groupby("seed"):
            axis.plot(line.index.get_level_values("n_neurons"), line, color=tint, linewidth=0.8)
        if len(lines):
            ends[name] = (float(lines.groupby("n_neurons").median().iloc[-1]), tint)
    axis.set(xlabel="neurons patched", ylabel="recovery of logit difference")
    label_ends(axis, ends, fontsize=5.5)


def _margin_panel(axis: Axes, parsimony: pd.DataFrame, shade: str) -> None:
    most = 2 * max(int(parsimony.loc[parsimony["kind"] == "keys_only", "n"].max()), 3)
    seen = parsimony[(parsimony["n"] >= 1) & (parsimony["n"] <= most)]
    for _, line in seen[seen["kind"] == "frequencies"].groupby("seed"):
        axis.plot(line["n"], line["min_margin"], color=shade, linewidth=0.8)
    keys = seen[seen["kind"] == "keys_only"]
    axis.plot(keys["n"], keys["min_margin"], "o", color=shade, ms=3.5, mfc="white", zorder=3)
    ends = {"network": (float(seen[seen["kind"] == "frequencies"]["min_margin"].iloc[-1]), shade)}
    for kind, name, style in (
        ("ideal", "formula", "--"),
        ("equal_best", "best equal\namplitudes", "-."),
    ):
        middle = seen[seen["kind"] == kind].groupby("n")["min_margin"].median()
        axis.plot(middle.index, middle, style, color=REFERENCE, linewidth=0.9, zorder=1)
        if len(middle):
            ends[name] = (float(middle.iloc[-1]), REFERENCE)
    axis.axhline(0, color="0.8", linewidth=0.6, zorder=0)
    axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axis.set(xlabel="frequencies kept", ylabel="least margin, logits")
    label_ends(axis, ends, fontsize=5.5, n_lines=2)
