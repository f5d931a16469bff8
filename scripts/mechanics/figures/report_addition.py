"""Track B in the report.

Track B as the report shows it: accuracy of every seed; losses, restricted and excluded, and the
norm of the first seed that grokked, with its grokking step (dotted) and where Σθ² (filled triangle)
and its logarithm (open) fall most; its numbers in the plane of the strongest key frequency; which
runs grok.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechanics.figures.circuit_panels import of_seed
from mechanics.figures.decay_groups import DECAY_ARMS, group_colours, survival_line
from mechanics.figures.embedding_circles import draw_plane
from mechanics.figures.panels import label_ends, last, limits, shown_model, write
from mechanics.figures.style import (
    COLOURS,
    OTHERS,
    REFERENCE,
    in_thousands,
    letter_panels,
    print_sizes,
    strip_of_panels,
)
from mechanics.tables.frames import sound

ALL_ARMS = True  # not the main configurations alone
FIRST = 10  # step at which a logarithmic axis begins
LOWEST = 1e-8  # nats: smaller losses are drawn as this
ARM_WORDS = {"no_decay": "decay off", "fixed_norm": "norm held"}
FALLS = {"steepest_fall_step": "black", "steepest_relative_fall_step": "white"}  # column: face
LOSSES = {
    "excluded_loss_train": ("excluded", OTHERS[0]),
    "restricted_loss_all": ("restricted", OTHERS[1]),
    "loss_validation": ("validation", COLOURS["validation"]),
    "loss_train": ("train", COLOURS["train"]),
}


def report_addition(
    progress: pd.DataFrame, embedding: pd.DataFrame, circuit: pd.DataFrame, grokking: pd.DataFrame
) -> Figure:
    """``progress``: progress_measures; the others: the tables of these names.

    The network is ``shown_model``; its first seed that grokked, or its first.
    """
    main = [table[table["arm"] == "main"] for table in (progress, embedding, circuit, grokking)]
    model = shown_model(main[3])
    seed = shown_seed(main[3], model)
    every = main[0][(main[0]["model"] == model) & (main[0]["step"] >= FIRST)]
    own, plane, keys, run = (of_seed(table, model, seed) for table in (every, *main[1:]))
    own, run = own.sort_values("step"), run.iloc[0]
    figure, axes = strip_of_panels(4, [0.95, 1.3, 0.75, 1.05])
    _accuracy_panel(axes[0], sound(every))
    axes[1], norm = _halves(axes[1])
    _norm_panel(norm, own, run)
    _loss_panel(axes[1], own, run)
    _circle_panel(axes[2], plane, keys)
    _survival_panel(axes[3], sound(grokking[grokking["model"] == model]))
    letter_panels(axes)
    return figure


def shown_seed(grokking: pd.DataFrame, model: str) -> int:
    """The first seed of the main arm that grokked; the first that is sound if none did."""
    own = sound(grokking[(grokking["model"] == model) & (grokking["arm"] == "main")])
    grokked = own[own["status"] == "grokked"]
    return int((grokked if len(grokked) else own)["seed"].iloc[0])


def _accuracy_panel(axis: Axes, progress: pd.DataFrame) -> None:
    for _, own in progress.groupby("seed"):
        for split in ("train", "validation"):
            style = {"color": COLOURS[split], "linewidth": 0.8, "alpha": 0.8}
            axis.plot(own["step"], own[f"accuracy_{split}"], **style)
    axis.set(xscale="log", xlabel="training step", ylabel="accuracy", ylim=(-0.03, 1.08))
    axis.set_title(f"{progress['seed'].nunique()} seeds")
    for split, place in (("train", (0.04, 0.86)), ("validation", (0.44, 0.5))):
        write(axis, split, place, color=COLOURS[split])


def _halves(axis: Axes) -> tuple[Axes, Axes]:
    """Two panels, one above the other with the same steps, in the place of one."""
    figure, place = axis.figure, axis.get_subplotspec()
    axis.remove()
    grid = place.subgridspec(2, 1, height_ratios=[1.8, 1])
    upper = figure.add_subplot(grid[0])
    lower = figure.add_subplot(grid[1], sharex=upper)
    for half in (upper, lower):
        print_sizes(half)
    upper.tick_params(labelbottom=False)
    return upper, lower


def _norm_panel(axis: Axes, own: pd.DataFrame, run: pd.Series) -> None:
    axis.plot(own["step"], own["norm_squared"], color="black", linewidth=0.9)
    for column, face in FALLS.items():
        if np.isfinite(step := run[column]) and len(own):
            height = np.interp(step, own["step"], own["norm_squared"])
            axis.plot(step, height, "v", color="black", mfc=face, ms=4, mew=0.7)
    axis.set(xscale="log", xlabel="training step", ylabel="Σθ²")
    limits(axis, 0, 1.2 * own["norm_squared"].max())
    axis.locator_params(axis="y", nbins=3)
    axis.yaxis.set_major_formatter(in_thousands)
    _mark_grokking(axis, run)


def _mark_grokking(axis: Axes, run: pd.Series) -> None:
    if np.isfinite(run["grokking_step"]):
        axis.axvline(run["grokking_step"], color=REFERENCE, linestyle=":", linewidth=0.8, zorder=0)


def _loss_panel(axis: Axes, own: pd.DataFrame, run: pd.Series) -> None:
    ends = {}
    for column, (name, shade) in LOSSES.items():
        if own[column].notna().any():
            values = own[column].clip(lower=LOWEST)
            axis.plot(own["step"], values, color=shade, linewidth=0.9)
            ends[name] = (last(values), shade)
    axis.set(xscale="log", yscale="log", ylabel="loss, nats")
    _mark_grokking(axis, run)
    axis.set_title(f"seed {run['seed']}")
    label_ends(axis, ends, fontsize=5.5)


def _circle_panel(axis: Axes, embedding: pd.DataFrame, circuit: pd.DataFrame) -> None:
    """One network's numbers in the plane of the key that has most of W_E."""
    axis.set_axis_off()
    keys = circuit["key_frequencies"].iloc[0].split() if len(circuit) else []
    shares = embedding[embedding["kind"] == "share"].set_index("index")["value"]
    shares = shares[shares.index.isin([int(k) for k in keys])].dropna()
    if shares.empty:
        axis.text(0.5, 0.5, "no key\nfrequencies", ha="center", transform=axis.transAxes, size=7)
        return
    strongest = int(shares.idxmax())
    draw_plane(axis, embedding, "key", strongest)
    axis.set_title(f"W$_E$, k = {strongest}")


def _survival_panel(axis: Axes, grokking: pd.DataFrame) -> None:
    """Kaplan–Meier curves by weight decay and arm; bars across a line are censored runs."""
    colours, ends = group_colours(grokking), {}
    for (decay, arm), own in grokking.groupby(["weight_decay", "arm"]):
        shade, kept = colours[arm, decay], arm in DECAY_ARMS
        style = {"linewidth": 1.0, "linestyle": "-" if kept else "--"}
        end = survival_line(axis, own, shade, {"ms": 5}, **style)
        name = f"decay {decay:g}" if kept else ARM_WORDS.get(arm, arm)
        ends[f"{name}: {(own['status'] == 'grokked').sum()}/{len(own)}"] = (end, shade)
    axis.set(xlabel="training step", ylabel="not yet grokked", ylim=(-0.04, 1.08))
    axis.xaxis.set_major_formatter(in_thousands)
    label_ends(axis, ends, fontsize=5.5)
