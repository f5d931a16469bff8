"""What each layer of a network has reached: linear probes, in risk and in steps of an algorithm."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from mechanics.figures.panels import each_seed, level, write
from mechanics.figures.style import REFERENCE, colour, label
from mechanics.tables.frames import sound

STEPS = {"gd_steps": "steps of GD", "newton_steps": "steps of Newton"}

PROBE = {"marker": "."}
READ_OUT = {"marker": "o", "markersize": 5, "markerfacecolor": "none", "linestyle": "none"}
UNTRAINED = {"linestyle": ":", "linewidth": 0.9}
THIN = {"linewidth": 0.4, "alpha": 0.7}  # the line of a seed


def layer_row(
    part: SubFigure, layers: pd.DataFrame, risks: pd.DataFrame, models: list[str]
) -> None:
    """A panel of risks for each of the three longest k; each of ``STEPS`` at the k between.

    ``layers``: layer_readout; ``risks``: regression_risk, for the levels of gradient descent.
    """
    finished = sound(layers)
    lengths = sorted(layers["k"].unique())[-3:]
    grid = part.add_gridspec(1, len(lengths) + 1)
    last = grid[-1].subgridspec(2, 1)
    shades = {model: colour(model, models) for model in models}
    for column, k in enumerate(lengths):
        axis = part.add_subplot(grid[column])
        axis.set_yscale("log")
        at_k = finished[finished["k"] == k]
        for model, shade in shades.items():
            _probe_lines(axis, at_k[at_k["model"] == model], shade)
        _step_levels(axis, risks[risks["k"] == k])
        axis.set_title(f"k = {k}")
        axis.set_xlabel("layer")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    part.axes[0].set_ylabel("risk of a linear probe, MSE / d")
    write_names(part.axes[0], {label(m): shade for m, shade in shades.items()}, upper=False)
    k = lengths[len(lengths) // 2]
    for row, (steps, words) in enumerate(STEPS.items()):
        axis = part.add_subplot(last[row])
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        _step_lines(axis, finished[(finished["k"] == k) & finished["trained"]], steps, shades)
        axis.set_ylabel(words)
        axis.tick_params(labelbottom=row == 1)
        if row == 0:
            axis.set_title(f"k = {k}")
    axis.set_xlabel("layer")
    handles = [
        Line2D([], [], color="black", **PROBE, label="linear probe, median (thin: each seed)"),
        Line2D([], [], color="black", **READ_OUT, label="the network itself"),
        Line2D([], [], color="black", **UNTRAINED, label="before training"),
    ]
    part.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)


def _probe_lines(axis: Axes, own: pd.DataFrame, shade: str) -> None:
    trained, untrained = own[own["trained"]], own[~own["trained"]]
    each_seed(axis, trained, "layer", "risk", color=shade, **THIN)
    middle = trained.groupby("layer")[["risk", "risk_lens"]].median()
    axis.plot(middle.index, middle["risk"], color=shade, **PROBE, label="probe")
    end = middle["risk_lens"].iloc[-1:]
    axis.plot(end.index, end, color=shade, **READ_OUT, label="read-out")
    before = untrained.groupby("layer")["risk"].median()
    axis.plot(before.index, before, color=shade, **UNTRAINED, label="untrained")


def _step_levels(axis: Axes, risks: pd.DataFrame) -> None:
    """The risk of n steps of gradient descent, best at this k, for the depths n in ``risks``."""
    levels = risks.groupby("n_layers")["gd_free_at_k"].first()
    low, _ = axis.get_ylim()
    for place, (n, height) in enumerate(levels[levels > low].items()):
        level(axis, height, linewidth=0.7, zorder=0)
        # the lines fall from the upper left: only the first level meets them there
        words = f"{n:.0f} step{'s' if n > 1 else ' of GD'}"
        at, side = (0.02 if place else 0.98, height), "left" if place else "right"
        write(axis, words, at, (0, 1), on=axis.get_yaxis_transform(), ha=side)


def _step_lines(axis: Axes, trained: pd.DataFrame, steps: str, shades: dict[str, str]) -> None:
    finite = trained.assign(**{steps: trained[steps].replace(np.inf, np.nan)})
    for model, shade in shades.items():
        chosen = (trained["model"] == model) & (trained["layer"] > 0)
        each_seed(axis, finite[chosen], "layer", steps, color=shade, **THIN)
        middle = trained[chosen].groupby("layer")[steps].median()
        shown = middle.replace(np.inf, np.nan)
        axis.plot(middle.index, shown, color=shade, marker=".", label=model)
        above = {"transform": axis.get_xaxis_transform(), "clip_on": False}
        for layer in middle.index[np.isinf(middle)]:
            axis.plot(layer, 1, color=shade, marker="^", **above)
    depth = trained["layer"].max()
    axis.plot([0, depth], [0, depth], color=REFERENCE, linestyle="--", linewidth=0.8, zorder=0)
    write(axis, "one per layer", (0.98, 0.04), ha="right")
    axis.set_ylim(bottom=0)


def write_names(axis: Axes, colours: dict[str, str], upper: bool) -> None:
    """Coloured names, below one another in the upper right or above in the lower left corner."""
    side = {"ha": "right", "va": "top"} if upper else {"ha": "left", "va": "bottom"}
    for row, (name, shade) in enumerate(colours.items()):
        place = (0.98, 0.97 - 0.09 * row) if upper else (0.03, 0.03 + 0.08 * row)
        write(axis, name, place, color=shade, size=7, **side)
