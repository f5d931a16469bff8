"""A sweep of weight decay and of the share of pairs."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm

from mechanics.figures.style import PAGE, REFERENCE, drawable, note_diverged, ordered
from mechanics.figures.survival import not_grokked, survival_line

ALL_ARMS = True  # not the main configurations alone
COLUMNS = 3  # panels side by side


def grokking_sweep(grokking: pd.DataFrame) -> plt.Figure:
    """``grokking``: the table. Above, a panel for each share of the pairs that is trained on (bars
    are censored runs). Below, for every combination, the step by which half of the networks have
    grokked, and how many did.
    """
    runs = drawable(grokking)
    fractions, decays = (sorted(runs[key].unique()) for key in ("train_fraction", "weight_decay"))
    dashes = ["-", "--"] * len(decays)  # neighbours differ in more than their shade
    lines = dict(zip(decays, zip(ordered(len(decays)), dashes, strict=False), strict=True))
    n_rows = math.ceil(len(fractions) / COLUMNS)
    below = 0.9 + 0.3 * len(decays)
    figure = plt.figure(figsize=(PAGE, 0.5 + 1.7 * n_rows + below))
    grid = figure.add_gridspec(n_rows + 1, COLUMNS, height_ratios=[*[1.7] * n_rows, below])
    last = float(runs["last_step"].max())
    for place, fraction in enumerate(fractions):
        axis = figure.add_subplot(grid[place // COLUMNS, place % COLUMNS])
        for decay, own in runs[runs["train_fraction"] == fraction].groupby("weight_decay"):
            shade, dash = lines[decay]
            survival_line(axis, own, shade, {"ms": 7, "mew": 1.2}, alpha=0.9, linestyle=dash)
        axis.set(xlim=(0, 1.02 * last), ylim=(-0.04, 1.08))
        axis.set_title(f"{fraction:g} of the pairs")
        if place % COLUMNS == 0:
            axis.set_ylabel("share not yet grokked")
        axis.set_xlabel("training step")
    handles = [
        plt.Line2D([], [], label=f"{decay:g}", color=shade, linestyle=dash)
        for decay, (shade, dash) in lines.items()
    ]
    words = {"title": "weight decay", "title_fontsize": 7, "frameon": False}
    figure.legend(handles=handles, loc="outside upper center", ncols=8, **words)
    _half_grokked(figure.add_subplot(grid[n_rows, :]), runs, fractions, decays)
    note_diverged(figure, grokking)
    return figure


def half_grokked(runs: pd.DataFrame) -> float:
    """The step from which at most half of the runs have not grokked; nan if there is none."""
    share = not_grokked(runs)
    return min(share.quantiles[share.probabilities <= 0.5], default=math.nan)


def _half_grokked(axis: plt.Axes, runs: pd.DataFrame, fractions: list, decays: list) -> None:
    steps = np.full((len(decays), len(fractions)), math.nan)
    for (decay, fraction), own in runs.groupby(["weight_decay", "train_fraction"]):
        row, column = decays.index(decay), fractions.index(fraction)
        steps[row, column] = half = half_grokked(own)
        words = "–" if math.isnan(half) else f"{half:,.0f}"
        words += f"  ({(own['status'] == 'grokked').sum()}/{len(own)})"
        axis.text(column, row, words, ha="center", va="center", fontsize=6.5)
    found = steps[~np.isnan(steps)]
    if found.size:  # pale colours: black letters stand on them
        norm = LogNorm(found.min(), max(found.max(), found.min() * 1.01))
        axis.imshow(steps, norm=norm, cmap="Blues", alpha=0.5, aspect="auto", origin="lower")
    axis.set_xticks(range(len(fractions)), [f"{fraction:g}" for fraction in fractions])
    axis.set_yticks(range(len(decays)), [f"{decay:g}" for decay in decays])
    axis.set(xlim=(-0.5, len(fractions) - 0.5), ylim=(-0.5, len(decays) - 0.5))
    axis.set(xlabel="share of the pairs trained on", ylabel="weight decay")
    axis.set_title("step by which half of the networks have grokked (grokked / all)")
    axis.tick_params(color=REFERENCE)
