"""What each layer of a network has reached: linear probes, in risk and in steps of an algorithm."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from mechanics.figures.style import REFERENCE, colour, label

STEPS = {"gd_steps": "steps of GD", "newton_steps": "steps of Newton"}

PROBE = {"marker": "."}
READ_OUT = {"marker": "o", "markersize": 5, "markerfacecolor": "none", "linestyle": "none"}
UNTRAINED = {"linestyle": ":", "linewidth": 0.9}


def layer_row(
    part: SubFigure, layers: pd.DataFrame, risks: pd.DataFrame, models: list[str]
) -> None:
    """A panel of risks for each of the three longest k; each of ``STEPS`` at the k between.

    ``layers``: what ``measure_layers.py`` writes, with model and status; ``risks``: the table of
    risks, for the levels of gradient descent.
    """
    finished = layers[layers["status"] != "diverged"]
    lengths = sorted(layers["k"].unique())[-3:]
    grid = part.add_gridspec(1, len(lengths) + 1)
    last = grid[-1].subgridspec(2, 1)
    for column, k in enumerate(lengths):
        axis = part.add_subplot(grid[column])
        axis.set_yscale("log")
        at_k = finished[finished["k"] == k]
        for model in models:
            _probe_lines(axis, at_k[at_k["model"] == model], colour(model, models))
        _step_levels(axis, risks[risks["k"] == k])
        axis.set_title(f"k = {k}")
        axis.set_xlabel("layer")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    part.axes[0].set_ylabel("risk of a linear probe, MSE / d")
    write_names(part.axes[0], {label(m): colour(m, models) for m in models}, upper=False)
    k = lengths[len(lengths) // 2]
    for row, (steps, words) in enumerate(STEPS.items()):
        axis = part.add_subplot(last[row])
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        _step_lines(axis, finished[(finished["k"] == k) & finished["trained"]], steps, models)
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


def _probe_lines(axis: Axes, own: pd.DataFrame, line_colour: str) -> None:
    trained, untrained = own[own["trained"]], own[~own["trained"]]
    for _, seed in trained.groupby("seed"):
        axis.plot(seed["layer"], seed["risk"], color=line_colour, linewidth=0.4, alpha=0.7)
    middle = trained.groupby("layer")[["risk", "risk_lens"]].median()
    axis.plot(middle.index, middle["risk"], color=line_colour, **PROBE, label="probe")
    axis.plot(
        middle.index[-1:],
        middle["risk_lens"].iloc[-1:],
        color=line_colour,
        **READ_OUT,
        label="read-out",
    )
    before = untrained.groupby("layer")["risk"].median()
    axis.plot(before.index, before, color=line_colour, **UNTRAINED, label="untrained")


def _step_levels(axis: Axes, risks: pd.DataFrame) -> None:
    """The risk of n steps of gradient descent, best at this k, for the depths n in ``risks``."""
    levels = risks.groupby("n_layers")["gd_free_at_k"].first()
    low, _ = axis.get_ylim()
    for place, (n, level) in enumerate(levels[levels > low].items()):
        axis.axhline(level, color=REFERENCE, linestyle="--", linewidth=0.7, zorder=0)
        # the lines fall from the upper left: only the first level meets them there
        axis.annotate(
            f"{n:.0f} step{'s' if n > 1 else ' of GD'}",
            (0.02 if place else 0.98, level),
            xycoords=axis.get_yaxis_transform(),
            xytext=(0, 1),
            textcoords="offset points",
            color=REFERENCE,
            fontsize=6,
            ha="left" if place else "right",
        )


def _step_lines(axis: Axes, trained: pd.DataFrame, steps: str, models: list[str]) -> None:
    for model in models:
        own = trained[(trained["model"] == model) & (trained["layer"] > 0)]
        for _, seed in own.groupby("seed"):
            axis.plot(
                seed["layer"],
                seed[steps].replace(np.inf, np.nan),
                color=colour(model, models),
                linewidth=0.4,
                alpha=0.7,
            )
        middle = own.groupby("layer")[steps].median()
        axis.plot(
            middle.index,
            middle.replace(np.inf, np.nan),
            color=colour(model, models),
            marker=".",
            label=model,
        )
        for layer in middle.index[np.isinf(middle)]:
            axis.plot(
                layer,
                1,
                transform=axis.get_xaxis_transform(),
                color=colour(model, models),
                marker="^",
                clip_on=False,
            )
    depth = trained["layer"].max()
    axis.plot([0, depth], [0, depth], color=REFERENCE, linestyle="--", linewidth=0.8, zorder=0)
    axis.annotate(
        "one per layer",
        (0.98, 0.04),
        xycoords="axes fraction",
        color=REFERENCE,
        fontsize=6,
        ha="right",
    )
    axis.set_ylim(bottom=0)


def write_names(axis: Axes, colours: dict[str, str], upper: bool) -> None:
    """Coloured names, below one another in the upper right or above in the lower left corner."""
    for row, (name, line_colour) in enumerate(colours.items()):
        axis.annotate(
            name,
            (0.98, 0.97 - 0.09 * row) if upper else (0.03, 0.03 + 0.08 * row),
            xycoords="axes fraction",
            color=line_colour,
            fontsize=7,
            ha="right" if upper else "left",
            va="top" if upper else "bottom",
        )
