"""Smooth or abrupt?

Does a network improve smoothly or abruptly? Held-out performance over training, and the width of
the transition from 10 % to 90 % of all that is gained, in decades of training steps: the same
measure for both tasks. Regression is judged at the longest context: a mean over k
would show when a curriculum adds the short ones. Addition is judged on pairs trained on in neither
order: others are right early where a network knows that addition commutes.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechanics.figures.panels import models_of, write
from mechanics.figures.style import PAGE, colour, label, note_diverged
from mechanics.tables.emergence import HIGH, LOW
from mechanics.tables.frames import sound

TITLES = {"linear_regression": "regression", "modular_addition": "addition"}


def regression_emergence(transitions: pd.DataFrame, curves: pd.DataFrame) -> Figure:
    """``transitions``: emergence; ``curves``: emergence_curves. A panel for each task."""
    tasks = [task for task in TITLES if task in set(transitions["task"])]
    models = models_of(transitions)
    widths = [1] * len(tasks) + [1.1]
    figure, axes = plt.subplots(1, len(tasks) + 1, figsize=(PAGE, 3.1), width_ratios=widths)
    names = {"linear_regression": "1 − risk, longest k", "modular_addition": "accuracy, new pairs"}
    for axis, task in zip(axes, tasks, strict=False):
        _curves(axis, sound(curves[curves["task"] == task]), models)
        axis.set(title=TITLES[task], xlabel="training step", xscale="log", ylim=(-0.05, 1.05))
        axis.set_ylabel(f"held-out {names[task]}")
    _widths(axes[-1], sound(transitions), models)
    note_diverged(figure, transitions)
    return figure


def _curves(axis: Axes, curves: pd.DataFrame, models: list[str]) -> None:
    for (model, _), own in curves[curves["step"] > 0].groupby(["model", "seed"], sort=False):
        axis.plot(own["step"], own["performance"], color=colour(model, models), linewidth=0.7)


def _widths(axis: Axes, transitions: pd.DataFrame, models: list[str]) -> None:
    """A row for each network, a point for each seed."""
    rows = list(transitions.groupby(["task", "model"], sort=False))
    for row, ((_, model), own) in enumerate(rows):
        widths = own["transition_width"].dropna()
        heights, shade = np.full(len(widths), row), colour(model, models)
        axis.plot(widths, heights, "o", markersize=3.5, color=shade)
        if never := len(own) - len(widths):
            beside = {"on": ("axes fraction", "data"), "ha": "left", "va": "center"}
            write(axis, f"{never} of {len(own)}: none", (1.01, row), **beside)
    axis.set_ylim(-0.5, len(rows) - 0.5)
    both = transitions["task"].nunique() > 1
    names = [
        f"{label(model)}, {TITLES[task]}" if both else label(model) for (task, model), _ in rows
    ]
    axis.set_yticks(range(len(rows)), names)
    axis.tick_params(axis="y", labelsize=6)
    axis.invert_yaxis()
    axis.set_xlim(left=0)
    axis.set(
        title="width of the transition",
        xlabel=f"from {LOW:.0%} to {HIGH:.0%} of the gain,\ndecades of training steps",
    )
