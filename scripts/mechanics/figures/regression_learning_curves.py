"""Risk over training.

Normalised risk on held-out prompts over training, a panel for each context length. Lines are
medians over seeds, bands span all seeds. Dashed: predicting zero; the best single gradient step at
this k, r* = (d+1)/(k+d+1); one step whose size is the best for all trained k together, which is the
law for one layer of linear attention; and ordinary least squares (zero for k ≥ d). One layer stops
at its law; depth goes on. A curriculum that starts with short contexts shows as an early minimum at
k = 5.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechanics.figures.panels import (
    label_ends,
    level,
    models_of,
    places_for_labels,
    rows_of_panels,
    with_range,
    write,
)
from mechanics.figures.style import colour, label

RISK_FLOOR = 1e-3  # below it the risk axis is linear, so that the zero of OLS can be drawn
LEVELS = {
    "one-step optimum r*": "one_step_optimum",
    "OLS": "ols",
    "one step for all k": "one_step_mixture",
}


def regression_learning_curves(history: pd.DataFrame, risks: pd.DataFrame) -> Figure:
    """``history``: model, seed, step, k, risk; ``risks``: regression_risk, for the levels."""
    lengths = sorted(history["k"].unique())
    columns = int(np.ceil(len(lengths) / 2))
    figure, axes = rows_of_panels(2, columns, 2.3, sharex=True, sharey=True)
    for axis, k in zip(axes.flat, lengths, strict=False):
        _risk_panel(axis, history[history["k"] == k], models_of(history))
        _reference_lines(axis, risks[risks["k"] == k])
        axis.set_title(f"context length k = {k}")
    for axis in axes.flat[len(lengths) :]:
        axis.set_visible(False)
    for axis in axes[-1]:
        axis.set_xlabel("training step")
    for axis in axes[:, 0]:
        axis.set_ylabel("risk, MSE / d")
    return figure


def _risk_panel(axis: Axes, history: pd.DataFrame, models: list[str]) -> None:
    axis.set_xscale("log")
    axis.set_yscale("symlog", linthresh=RISK_FLOOR, linscale=0.3)
    axis.set_ylim(-2e-4, 4)
    ends = {}
    for model in models:
        own = history[(history["model"] == model) & (history["step"] > 0)]  # a log axis has no 0
        shade = colour(model, models)
        ends[label(model)] = with_range(axis, own.groupby("step")["risk"], shade), shade
    label_ends(axis, ends)


def _reference_lines(axis: Axes, risks: pd.DataFrame) -> None:
    """Dashed levels of one k with their names at the left, kept apart from each other."""
    levels = {"predict zero": 1.0}
    levels |= {name: risks[column].iloc[0] for name, column in LEVELS.items() if len(risks)}
    for height in levels.values():
        level(axis, height, zorder=0)
    places = places_for_labels(axis, list(levels.values()), 8.5)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.4}
    for name, place in zip(levels, places, strict=True):
        write(axis, name, (0.012, max(place, 0.045)), va="center", bbox=box)
