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

from mechanics.figures.panels import (
    each_seed,
    label_ends,
    last,
    level,
    limits,
    shown_model,
    spread,
    write,
)
from mechanics.figures.report_addition import shown_seed
from mechanics.figures.style import REFERENCE, colour, letter_panels, strip_of_panels
from mechanics.tables.frames import sound

LABEL_DISTANCE = 3.5  # of names of frequencies, in frequencies


def report_cause(
    ablation: pd.DataFrame, groups: pd.DataFrame, parsimony: pd.DataFrame, grokking: pd.DataFrame
) -> Figure:
    """``ablation``: frequency_ablation; ``groups``: patching_groups; others: tables of their names.

    The network is that of ``report_addition``.
    """
    model = shown_model(grokking)
    seed, shade = shown_seed(grokking, model), colour(model, grokking["model"])
    figure, axes = strip_of_panels(3)
    ablation, groups, parsimony = (
        table[table["model"] == model] for table in (ablation, groups, parsimony)
    )
    _ablation_panel(axes[0], ablation[ablation["seed"] == seed], seed, shade)
    _patching_panel(axes[1], sound(groups), shade)
    _margin_panel(axes[2], sound(parsimony), shade)
    letter_panels(axes)
    return figure


def _ablation_panel(axis: Axes, ablation: pd.DataFrame, seed: int, shade: str) -> None:
    own = ablation[(ablation["level"] == "logits") & (ablation["split"] == "all")]
    own = own.dropna(subset="loss")
    shades = np.where(own["is_key"], shade, "0.6")
    axis.vlines(own["frequency"], own["loss_full"], own["loss"], color=shades, linewidth=1.4)
    axis.scatter(own["frequency"], own["loss"], color=shades, s=4, zorder=3)
    keys = own[own["is_key"]]
    places = spread(keys["frequency"].astype(float).tolist(), LABEL_DISTANCE)
    for row, place in zip(keys.itertuples(), places, strict=True):
        above = {"on": "data", "size": 5.5, "ha": "center", "color": shade}
        write(axis, str(row.frequency), (place, row.loss), (0, 2), **above)
    if len(own):
        level(axis, own["loss_full"].iloc[0])
        limits(axis, own["loss_full"].iloc[0] / 5, 8 * own["loss"].max())
    axis.set(yscale="log", xlabel="frequency removed", ylabel="loss, nats", title=f"seed {seed}")


def _patching_panel(axis: Axes, groups: pd.DataFrame, shade: str) -> None:
    own = groups[groups["direction"] == "denoising"].dropna(subset="recovery")
    ends = {}
    for kind, name, tint in (("top", "by rank", shade), ("random", "at random", "0.6")):
        lines = own[own["kind"] == kind].groupby(["seed", "n_neurons"], as_index=False)
        lines = lines["recovery"].mean()
        each_seed(axis, lines, "n_neurons", "recovery", color=tint, linewidth=0.8)
        ends[name] = (last(lines.groupby("n_neurons")["recovery"].median()), tint)
    axis.set(xlabel="neurons patched", ylabel="recovery of logit difference")
    label_ends(axis, ends, fontsize=5.5)


def _margin_panel(axis: Axes, parsimony: pd.DataFrame, shade: str) -> None:
    n_keys = parsimony.loc[parsimony["kind"] == "keys_only", "n"]
    seen = parsimony[(parsimony["n"] >= 1) & (parsimony["n"] <= 2 * max([3, *n_keys]))]
    own = {kind: part for kind, part in seen.groupby("kind")}
    nothing = seen.iloc[:0]
    ranked, keys = own.get("frequencies", nothing), own.get("keys_only", nothing)
    each_seed(axis, ranked, "n", "min_margin", color=shade, linewidth=0.8)
    axis.plot(keys["n"], keys["min_margin"], "o", color=shade, ms=3.5, mfc="white", zorder=3)
    ends = {"network": (last(ranked["min_margin"]), shade)}
    for kind, name, style in (
        ("ideal", "formula", "--"),
        ("equal_best", "best equal\namplitudes", "-."),
    ):
        middle = own.get(kind, nothing).groupby("n")["min_margin"].median()
        axis.plot(middle.index, middle, style, color=REFERENCE, linewidth=0.9, zorder=1)
        ends[name] = (last(middle), REFERENCE)
    axis.axhline(0, color="0.8", linewidth=0.6, zorder=0)
    axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axis.set(xlabel="frequencies kept", ylabel="least margin, logits")
    label_ends(axis, ends, fontsize=5.5, n_lines=2)
