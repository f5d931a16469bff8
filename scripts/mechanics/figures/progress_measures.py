"""Progress measures.

Progress measures over training (Nanda et al. 2023): loss on training and validation pairs,
restricted and excluded loss for the key frequencies of the final network; accuracy on validation
pairs whose mirror (b, a) was trained on and on those with neither; excluded loss of single keys;
share of the logits, of neurons and of spectra; effective rank. Shaded: circuit formation and
cleanup, found by rule.
"""

import math
from itertools import cycle
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from mechanics.addition.progress_measures import MOMENTS
from mechanics.figures.panels import label_ends, level, shown_model, write
from mechanics.figures.style import COLOURS, OTHERS, PAGE, REFERENCE, drawable, label, note_diverged

FIRST = 10  # step at which the axis begins: earlier ones show a network that only guesses
LOWEST = 1e-12  # nats: smaller losses are drawn as this
WIDEST = 24  # characters of a column's title before it goes on below
PURPLE, TEAL, OLIVE, PINK, GREEN = OTHERS
# rows of the figure: label of the axis, {column: (name, colour)}
LOSSES = {
    "excluded_loss_train": ("excluded, train", PURPLE),
    "loss_validation": ("validation", COLOURS["validation"]),
    "restricted_loss_all": ("restricted, all", TEAL),
    "loss_train": ("train", COLOURS["train"]),
}
ACCURACIES = {
    "accuracy_train": ("train", COLOURS["train"]),
    "accuracy_validation_swapped": ("validation,\n(b, a) trained on", OLIVE),
    "accuracy_validation_new": ("validation,\nneither", COLOURS["validation"]),
}
STRUCTURE = {
    "logit_fve": ("logit FVE", PURPLE),
    "neuron_share": ("neurons, FVE > .85", TEAL),
    "gini_W_E": ("Gini W$_E$", OLIVE),
    "gini_W_U": ("Gini W$_U$", PINK),
}
RANKS = {"effective_rank_W_E": ("W$_E$", OLIVE), "effective_rank_W_U": ("W$_U$", PINK)}
PHASES = {  # name: (first step, last step, shade)
    "circuit formation": ("circuit_formation_step", "cleanup_step", "0.93"),
    "cleanup": ("cleanup_step", "cleanup_end_step", "0.84"),
}


def progress_measures(
    progress: pd.DataFrame, excluded: pd.DataFrame, model: str | None = None
) -> Figure:
    """``progress``: the table of this name; ``excluded``: excluded_loss. A column per seed.

    ``model``: ``shown_model`` unless another is named. Shaded: the phases of ``change_points``;
    dotted: the grokking step; dashed: ln p, the loss of a guess.
    """
    own = progress[progress["model"] == (model or shown_model(progress))]
    kept = drawable(own)
    model = kept["model"].iloc[0]
    seeds = sorted(kept["seed"].unique().tolist())
    per_key = excluded[excluded["model"] == model]
    figure, axes = plt.subplots(
        5,
        len(seeds),
        figsize=(PAGE, 7.6),
        height_ratios=[1.5, 1, 1.2, 1, 1],
        sharex="col",
        sharey="row",
        squeeze=False,
    )
    for row, name in enumerate(
        ("loss, nats", "accuracy", "excluded loss\nof one key, nats", "share", "effective rank")
    ):
        axes[row, 0].set_ylabel(name)
    figure.align_ylabels(axes[:, 0])
    columns = {
        seed: (axes[:, place], kept[kept["seed"] == seed].sort_values("step"))
        for place, seed in enumerate(seeds)
    }
    without = {seed: _without_keys(per_key[per_key["seed"] == seed]) for seed in seeds}
    for seed, (column, lines) in columns.items():
        _column(column, lines, without[seed])
        keys = ", ".join(without[seed])
        words = fill(f"k = {keys}" if keys else "no key frequencies", WIDEST)
        column[0].set_title(f"seed {seed}\n{words}", pad=23, fontsize=7)
    figure.suptitle(label(model), fontsize=8)
    for seed, (column, lines) in columns.items():  # once the shared limits are final
        guess = {"ln p": (math.log(lines["p"].iloc[0]), REFERENCE)}
        keys = {k: (float(line.iloc[-1]), shade) for k, (line, shade) in without[seed].items()}
        label_ends(column[2], keys | guess)
        if seed == seeds[-1]:  # names of the lines that all columns share
            label_ends(column[0], _ends(lines, LOSSES) | guess)
            label_ends(column[1], _ends(lines, ACCURACIES), n_lines=2)
            label_ends(column[3], _ends(lines, STRUCTURE))
            label_ends(column[4], _ends(lines, RANKS))
    note_diverged(figure, own)
    return figure


def _column(column: np.ndarray, lines: pd.DataFrame, without: dict) -> None:
    """All panels of one seed: five Axes, from the top."""
    losses, accuracies, keys, structure, ranks = column
    steps, guess = lines["step"].clip(lower=FIRST), math.log(lines["p"].iloc[0])
    drawn = ((losses, LOSSES), (accuracies, ACCURACIES), (structure, STRUCTURE), (ranks, RANKS))
    for axis, named in drawn:
        for name, (_, shade) in named.items():
            axis.plot(steps, lines[name].clip(lower=LOWEST), color=shade)
    for line, shade in without.values():
        keys.plot(line.index.to_series().clip(lower=FIRST), line, color=shade)
    for axis in (losses, keys):
        axis.set_yscale("log")
        axis.yaxis.set_minor_locator(NullLocator())
        level(axis, guess)
    for axis in (accuracies, structure):
        axis.set_ylim(-0.03, 1.03)
    ranks.set_ylim(0, None)
    moments = lines[list(MOMENTS)].iloc[0].clip(lower=FIRST)
    for axis in column:
        _phases(axis, moments)
    _name_phases(losses, moments)
    ranks.set_xscale("log")
    ranks.set_xlim(FIRST, max(lines["step"].iloc[-1], 10 * FIRST))
    ranks.set_xlabel("step")


def _without_keys(per_key: pd.DataFrame) -> dict[str, tuple[pd.Series, str]]:
    """Loss on the training pairs by step without each key frequency alone, and its colour."""
    losses = per_key.pivot(index="step", columns="frequency", values="excluded_loss")
    lines = losses.astype(float).clip(lower=LOWEST).items()
    return {f"{k}": (line, shade) for (k, line), shade in zip(lines, cycle(OTHERS), strict=False)}


def _ends(lines: pd.DataFrame, named: dict[str, tuple[str, str]]) -> dict[str, tuple[float, str]]:
    """Name → last value and colour."""
    last = lines.iloc[-1]
    return {
        words: (max(float(last[name]), LOWEST), shade) for name, (words, shade) in named.items()
    }


def _phases(axis: Axes, moments: pd.Series) -> None:
    for first, last, shade in PHASES.values():
        if math.isfinite(moments[first]) and math.isfinite(moments[last]):
            axis.axvspan(moments[first], moments[last], color=shade, linewidth=0, zorder=0)
    if math.isfinite(moments["grokking_step"]):
        axis.axvline(moments["grokking_step"], color="black", linestyle=":", linewidth=0.8)


def _name_phases(axis: Axes, moments: pd.Series) -> None:
    """Names above the top panel, in two lines, and that of the grokking step beside its line."""
    style = {"on": axis.get_xaxis_transform(), "annotation_clip": False}
    places = {"memorising": (FIRST, moments["memorised_step"])}
    places |= {name: (moments[first], moments[last]) for name, (first, last, _) in PHASES.items()}
    for name, (first, last) in places.items():
        if math.isfinite(first) and math.isfinite(last):
            height = 1.11 if name == "circuit formation" else 1.02
            write(axis, name, (math.sqrt(first * last), height), ha="center", **style)
    if math.isfinite(grokked := moments["grokking_step"]):
        write(axis, "grokking", (grokked, 0.55), (2, 0), rotation=90, va="center", **style)
