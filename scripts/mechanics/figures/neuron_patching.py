"""Activation patching.

Activation patching with TransformerLens hooks: recovery of the logit difference by single neurons,
by the neurons ranked on other prompts against random ones, by frequency cluster, head and
position; and the hooked effect of every neuron against its closed form.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator

from mechanics.figures.panels import each_seed, in_seeds, label_ends, models_of, write
from mechanics.figures.style import COLOURS, OTHERS, PAGE, REFERENCE, colour, label, note_diverged
from mechanics.tables.frames import sound

CLUSTERS = [
    *(COLOURS[m] for m in ("linear_L1", "softmax_L1_2heads", "linear_L3", "deep_L6", "linear_L2")),
    *(OTHERS[0], OTHERS[2], COLOURS["linear_L1_axis"]),
]
OTHER = "0.6"  # neurons of no key frequency
NOTHING = "answers no pair of prompts:\nnothing to recover"


def neuron_patching(neurons: pd.DataFrame, groups: pd.DataFrame) -> Figure:
    """``neurons``: the table of this name; ``groups``: patching_groups. A row per model.

    A model whose neurons have no closed form (LayerNorm, more layers) has its positions and layers
    instead. Recovery 0 is the corrupted run, 1 the clean one; where nothing is said, denoising is
    drawn.
    """
    models = models_of(groups)
    one_layer = ["top" in set(groups.loc[groups["model"] == m, "kind"]) for m in models]
    heights = [4.4 if whole else 2.3 for whole in one_layer]
    figure = plt.figure(figsize=(PAGE, sum(heights)))
    rows = figure.subfigures(len(models), 1, height_ratios=heights, squeeze=False)[:, 0]
    for row, model, whole in zip(rows, models, one_layer, strict=True):
        own = [sound(frame[frame["model"] == model]) for frame in (neurons, groups)]
        row.suptitle(label(model), fontsize=9, x=0.01, ha="left")
        draw = _one_layer if whole else _by_layer
        draw(row, *own, colour(model, models))
    note_diverged(figure, groups)
    return figure


def _one_layer(row: SubFigure, neurons: pd.DataFrame, groups: pd.DataFrame, shade: str) -> None:
    (ranked, cumulative), (parts, agreement) = row.subplots(2, 2, width_ratios=[1.1, 1])
    answering, known = groups.dropna(subset="recovery"), neurons.dropna(subset="recovery")
    if answering.empty or known.empty:
        for axis in (ranked, cumulative, parts, agreement):
            axis.set_axis_off()
        write(ranked, NOTHING, (0.05, 0.5), size=None)
        return
    _ranked(ranked, known, groups)
    _cumulative(cumulative, answering[answering["direction"] == "denoising"], shade)
    _parts(parts, answering, shade)
    _agreement(agreement, neurons, shade)


def _ranked(axis: Axes, neurons: pd.DataFrame, groups: pd.DataFrame) -> None:
    """Neurons of the first seed, largest of its cluster first, a colour for each cluster."""
    seed = neurons["seed"].iloc[0]
    own = neurons[neurons["seed"] == seed].sort_values("recovery", ascending=False)
    keys = list(_of(groups[groups["seed"] == seed], "cluster")["name"].unique())
    shades = {name: CLUSTERS[i % len(CLUSTERS)] for i, name in enumerate(keys)} | {"other": OTHER}
    cluster = own["frequency"].astype(str).where(own["frequency"].astype(str).isin(keys), "other")
    axis.axhline(0, color=REFERENCE, linewidth=0.6)
    names = [name for name in keys or ["other"] if (cluster == name).any()]
    for place, name in enumerate(names):
        values = 100 * own.loc[cluster == name, "recovery"]
        axis.plot(range(1, len(values) + 1), values, ".", color=shades[name], markersize=3)
        words = f"k = {name}" if name != "other" else "other" if keys else "no key frequencies"
        at, corner = (0.97, 0.95 - 0.1 * place), {"ha": "right", "va": "top"}
        write(axis, f"{words}: {len(values)} neurons", at, size=7, color=shades[name], **corner)
    axis.set(xlabel="neuron, largest of its cluster first", ylabel="recovery, %")
    axis.set_title(f"one neuron at a time, seed {seed}")


def _cumulative(axis: Axes, groups: pd.DataFrame, shade: str) -> None:
    """All seeds: the n largest neurons, and random orders; dashed: n/d_mlp of what all recover."""
    shares = groups.assign(recovery=100 * groups["recovery"])
    top, random = _of(shares, "top"), _of(shares, "random")
    random = random.assign(order=random["name"].str.rsplit(" ", n=1).str[-1])
    for _, own in random.sort_values("n_neurons").groupby(["seed", "order"]):
        axis.plot(own["n_neurons"], own["recovery"], color="0.75", linewidth=0.5)
    each_seed(axis, top, "n_neurons", "recovery", color=shade)
    n = top["n_neurons"].max()
    total = top.loc[top["n_neurons"] == n, "recovery"].median()
    axis.plot([0, n], [0, total], color=REFERENCE, linestyle="--", linewidth=0.9)
    for place, words, own_shade in (
        (0.21, "largest first, as ranked\non other prompts", shade),
        (0.04, "random order\n(dashed: mean)", "0.5"),
    ):
        write(axis, words, (0.99, place), size=6.5, color=own_shade, ha="right")
    axis.set(xlabel="neurons patched together", ylabel="recovery, %", xlim=(0, n * 1.01))
    axis.set_ylim(min(0, axis.get_ylim()[0]), max(105, axis.get_ylim()[1]))
    axis.set_title(f"sets of neurons, {in_seeds(groups)}")


def _parts(axis: Axes, groups: pd.DataFrame, shade: str) -> None:
    """A row per part, a mark per seed; clusters stand in the order of their recovery."""
    rows = _part_rows(groups)
    for height, (_, own) in enumerate(rows):
        for direction, face in (("noising", "none"), ("denoising", shade)):
            values = own.loc[own["direction"] == direction, "recovery"]
            style = {"markersize": 5 if face == "none" else 3, "markeredgewidth": 0.7}
            style |= {"markerfacecolor": face, "markeredgecolor": shade}
            axis.plot(100 * values, np.full(len(values), height), "o", **style)
        if "control" in own:
            axis.plot(100 * own["control"], np.full(len(own), height), "|", color="0.5", ms=5)
    axis.set_yticks(range(len(rows)), [name for name, _ in rows], fontsize=6)
    axis.set(xlabel="recovery, %", ylim=(len(rows) - 0.5, -0.5), xlim=(-4, 104))
    axis.set_title("● clean into corrupted  ○ corrupted into clean\n| random neurons, same number")
    axis.title.set_fontsize(7)
    axis.grid(axis="y", color="0.92", linewidth=0.5)


def _part_rows(groups: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Name and rows of every part that is drawn, from top to bottom."""
    keys = ["seed", "direction"]
    clusters = _of(groups, "cluster")
    clusters = clusters[clusters["name"] != "other"]
    ranks = clusters.groupby(keys)["recovery"].rank(ascending=False, method="first")
    clusters = clusters.assign(rank=ranks.astype(int))
    random = _of(groups, "random").groupby([*keys, "n_neurons"])["recovery"].mean()
    random = random.rename("control").reset_index()
    clusters = clusters.merge(random, on=[*keys, "n_neurons"], how="left")
    rows = []
    for rank, own in clusters.groupby("rank"):
        numbers = own[own["direction"] == "denoising"].sort_values("seed")["name"]
        rows.append((f"cluster {rank} (k = {', '.join(numbers)})", own))
    words = {"head": "head ", "position": "position ", "mlp": "MLP", "attention": "attention, "}
    for kind, word in words.items():
        for name, own in _of(groups, kind).groupby("name", sort=False):
            short = "" if kind == "mlp" else name.removeprefix("L0").strip() or "whole"
            rows.append((word + short, own))
    return rows


def _agreement(axis: Axes, neurons: pd.DataFrame, shade: str) -> None:
    both = neurons.dropna(subset=["effect_hooked", "effect_closed_form"])
    if both.empty:
        words = "closed form only: the network was not\ncopied into TransformerLens, whose hooks\n"
        words += "heads and positions are patched by"
        write(axis, words, (0.05, 0.8), size=None, va="top")
        axis.set_axis_off()
        return
    axis.set(xlabel="closed form Δn$_i$·W$_L$[i], logits", ylabel="hooked, logits")
    axis.set_title("effect of one neuron")
    ends = [both["effect_closed_form"].min(), both["effect_closed_form"].max()]
    axis.plot(ends, ends, color=REFERENCE, linestyle="--", linewidth=0.9)
    axis.plot(both["effect_closed_form"], both["effect_hooked"], ".", color=shade, markersize=3)
    words = f"{len(both)} neurons\nlargest difference in any\npair of prompts: "
    words += f"{both['deviation'].max():.1g} logits"
    write(axis, words, (0.05, 0.95), color=None, size=7, va="top")


def _by_layer(row: SubFigure, _: pd.DataFrame, groups: pd.DataFrame, shade: str) -> None:
    """Positions of the stream before each layer, and what each layer adds at "="."""
    axes = row.subplots(1, 2, sharey=True)
    own = groups[groups["direction"] == "denoising"].dropna(subset="recovery")
    if own.empty:
        write(axes[0], NOTHING, (0.05, 0.5), size=None)
    own = own.assign(layer=own["name"].str.extract(r"^L(\d+)")[0].astype(int) + 1)
    positions = _of(own, "position")
    tokens = positions["name"].str.split(" ").str[-1]
    lines = {f"at {name}": part for name, part in positions.groupby(tokens, sort=False)}
    _lines(axes[0], lines, dict(zip(lines, [*CLUSTERS[:2], shade], strict=False)))
    added = {"MLP": _of(own, "mlp"), "attention": _of(own, "attention")}
    heads = _of(own, "head")
    if len(heads):
        strongest = heads.groupby(["seed", "layer"], as_index=False)["recovery"].max()
        added["strongest\nhead"] = strongest
    _lines(axes[1], added, {"MLP": CLUSTERS[2], "attention": CLUSTERS[5], "strongest\nhead": "0.5"})
    axes[0].set(ylabel="recovery, %", xlabel="residual stream before layer")
    axes[0].set_title(f"one position patched, {in_seeds(own)}")
    axes[1].set(xlabel="layer")
    axes[1].set_title(f'what one layer adds at "=", {in_seeds(own)}')


def _lines(axis: Axes, lines: dict[str, pd.DataFrame], shades: dict[str, str]) -> None:
    ends = {}
    for name, part in lines.items():
        for _, own in part.groupby("seed"):
            axis.plot(own["layer"], 100 * own["recovery"], ".-", color=shades[name], linewidth=0.9)
        if len(part):
            last = part[part["layer"] == part["layer"].max()]
            ends[name] = 100 * float(last["recovery"].median()), shades[name]
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    label_ends(axis, ends, n_lines=2)


def _of(groups: pd.DataFrame, kind: str) -> pd.DataFrame:
    return groups[groups["kind"] == kind]
