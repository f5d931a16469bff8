"""Smooth or abrupt?"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from mechanics.figures.panels import models_of, write
from mechanics.figures.style import PAGE, colour, label, note_diverged
from mechanics.tables.emergence import HIGH, LOW
from mechanics.tables.frames import sound

TITLES = {"linear_regression": "regression", "modular_addition": "addition"}
WIDTHS = {
    "transition_width": "decades of steps",
    "transition_steps": "steps",
    "share_of_training": "share of the training",
}


def emergence(transitions: pd.DataFrame, curves: pd.DataFrame) -> plt.Figure:
    """``transitions``: emergence; ``curves``: emergence_curves. A panel for each task."""
    tasks = [task for task in TITLES if task in set(transitions["task"])]
    models = models_of(transitions)
    figure = plt.figure(figsize=(PAGE, 4.8))
    upper, lower = figure.subfigures(2, 1, height_ratios=[1, 1.15])
    for axis, task in zip(upper.subplots(1, len(tasks), squeeze=False)[0], tasks, strict=True):
        scale = "log" if task == "linear_regression" else "linear"  # where the fall is not squeezed
        _curves(axis, sound(curves[curves["task"] == task]), models, late=scale == "log")
        axis.set(xlabel="training step", xscale=scale, ylim=(-0.05, 1.05))
        axis.set_ylabel("held-out loss / its maximum")
        axis.set_title(_finding(sound(transitions[transitions["task"] == task]), TITLES[task]))
    for axis, column in zip(lower.subplots(1, len(WIDTHS), sharey=True), WIDTHS, strict=True):
        _widths(axis, sound(transitions), models, column)
    note_diverged(figure, transitions)
    return figure


def _curves(axis: plt.Axes, curves: pd.DataFrame, models: list[str], late: bool) -> None:
    """A line a seed; the names of the networks above one another, where no line is.

    ``late``: the fall is at the right, so that the names have room at the left, below.
    """
    for (model, _), own in curves[curves["step"] > 0].groupby(["model", "seed"], sort=False):
        loss = own["held_out_loss"] / own["held_out_loss"].max()
        axis.plot(own["step"], loss, color=colour(model, models), linewidth=0.7)
    for row, model in enumerate(reversed(models_of(curves))):
        at = (0.02, 0.03 + 0.085 * row) if late else (0.98, 0.3 + 0.085 * row)
        write(axis, label(model), at, color=colour(model, models), ha="left" if late else "right")


def _finding(own: pd.DataFrame, task: str) -> str:
    """How many steps the fall takes."""
    steps = own["transition_steps"].dropna()
    if steps.empty:
        return task
    return f"{task}: the loss falls in {steps.min():,.0f} to {steps.max():,.0f} steps"


def _widths(axis: plt.Axes, transitions: pd.DataFrame, models: list[str], column: str) -> None:
    """A row for each network, a point for each seed."""
    rows = list(transitions.groupby(["task", "model"], sort=False))
    for row, ((_, model), own) in enumerate(rows):
        widths = own[column].dropna()
        heights, shade = np.full(len(widths), row), colour(model, models)
        axis.plot(widths, heights, "o", markersize=3.5, color=shade)
        if never := len(own) - len(widths):
            beside = {"on": ("axes fraction", "data"), "ha": "left", "va": "center"}
            write(axis, f"{never} of {len(own)}: none", (1.01, row), **beside)
    both = transitions["task"].nunique() > 1
    names = [label(model) + f", {TITLES[task]}" * both for (task, model), _ in rows]
    axis.set_yticks(range(len(rows)), names)
    axis.tick_params(axis="y", labelsize=6)
    axis.set_ylim(len(rows) - 0.5, -0.5)
    if column == "transition_steps":
        axis.set_xscale("log")
    else:
        axis.set_xlim(left=0)
    axis.set(xlabel=f"from {LOW:.0%} to {HIGH:.0%} of the fall,\n{WIDTHS[column]}")
