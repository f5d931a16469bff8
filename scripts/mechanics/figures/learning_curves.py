"""Learning curves of both tasks: history frame in, figure out."""

from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechanics.figures.style import (
    PAGE,
    REFERENCE,
    colour,
    label,
    label_ends,
    places_for_labels,
)

RISK_FLOOR = 1e-3  # below it the risk axis is linear, so that the zero of OLS can be drawn


def regression_learning_curves(history: pd.DataFrame, references: pd.DataFrame) -> Figure:
    """Normalised risk over training steps, a panel for each context length.

    ``history``: model, seed, step, k, risk. ``references``: k, name, risk: levels drawn behind.
    A line is the median over seeds, the band spans all of them.
    """
    lengths = sorted(history["k"].unique())
    models = list(dict.fromkeys(history["model"]))
    figure, axes = plt.subplots(
        2,
        int(np.ceil(len(lengths) / 2)),
        figsize=(PAGE, 4.6),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    for axis, k in zip(axes.flat, lengths, strict=False):
        _risk_panel(axis, history[history["k"] == k], models)
        _reference_lines(axis, references[references["k"] == k])
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
        by_step = own.groupby("step")["risk"]
        middle, low, high = by_step.median(), by_step.min(), by_step.max()
        line_colour = colour(model, models)
        axis.plot(middle.index, middle, color=line_colour)
        axis.fill_between(middle.index, low, high, color=line_colour, alpha=0.2, linewidth=0)
        ends[model] = float(middle.iloc[-1])
    label_ends(axis, {label(name): (end, colour(name, models)) for name, end in ends.items()})


def _reference_lines(axis: Axes, references: pd.DataFrame) -> None:
    """Dashed levels with their names at the left, kept apart from each other."""
    for level in references["risk"]:
        axis.axhline(level, color=REFERENCE, linestyle="--", linewidth=0.8, zorder=0)
    places = places_for_labels(axis, references["risk"].tolist(), 8.5)
    for name, place in zip(references["name"], places, strict=True):
        axis.annotate(
            name,
            (0.012, max(place, 0.045)),
            xycoords="axes fraction",
            color=REFERENCE,
            fontsize=6,
            va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4},
        )


def grokking_curves(history: pd.DataFrame, moments: pd.DataFrame) -> Figure:
    """Training and validation accuracy and loss over steps, a column for each model.

    ``history``: model, seed, step, split, loss, accuracy. ``moments``: model, seed,
    memorised_step, first_reached_step, grokking_step (nan: never). One line per seed; the shading
    is the gap between training and validation accuracy. Dotted: the grokking steps; dashed: where
    their accuracy was first reached, if spikes came after it.
    """
    models = list(dict.fromkeys(history["model"]))
    figure, axes = plt.subplots(
        2, len(models), figsize=(PAGE, 3.9), sharex="col", sharey="row", squeeze=False
    )
    for column, model in enumerate(models):
        upper, lower = axes[:, column]
        for _, own in history[history["model"] == model].groupby("seed"):
            _grokking_lines(upper, lower, own[own["step"] > 0])  # a log axis has no 0
        own = moments[moments["model"] == model]
        spiked = own["first_reached_step"] < own["grokking_step"]
        for style, steps in (
            (":", own["grokking_step"]),
            ("--", own.loc[spiked, "first_reached_step"]),
        ):
            for step, axis in product(steps.dropna(), (upper, lower)):
                axis.axvline(max(step, 1), color=REFERENCE, linestyle=style, lw=0.8, zorder=0)
        upper.set_title(f"{label(model)}\n{_in_words(own)}")
        upper.set_xscale("log")
        lower.set_yscale("log")
        lower.set_xlabel("training step")
    axes[0, 0].set_ylabel("accuracy")
    axes[1, 0].set_ylabel("cross-entropy, nats")
    for split, place in (("train", (0.03, 0.90)), ("validation", (0.03, 0.78))):
        words = "training pairs" if split == "train" else "validation pairs"
        axes[0, 0].annotate(words, place, xycoords="axes fraction", color=colour(split), fontsize=7)
    return figure


def _grokking_lines(upper: Axes, lower: Axes, own: pd.DataFrame) -> None:
    accuracy = own.pivot(index="step", columns="split", values="accuracy")
    upper.fill_between(
        accuracy.index, accuracy["validation"], accuracy["train"], color="0.5", alpha=0.10, lw=0
    )
    for split in ("train", "validation"):
        part = own[own["split"] == split]
        upper.plot(part["step"], part["accuracy"], color=colour(split), linewidth=0.9)
        lower.plot(part["step"], part["loss"], color=colour(split), linewidth=0.9)


def _in_words(moments: pd.DataFrame) -> str:
    """When the seeds of one model grokked; two ranges where spikes set them apart."""
    grokked = moments.dropna(subset="grokking_step")
    if grokked.empty:
        return "not within its budget"
    some = "" if len(grokked) == len(moments) else f" ({len(grokked)}/{len(moments)})"
    last = _range(grokked["grokking_step"]) + some
    if (grokked["first_reached_step"] == grokked["grokking_step"]).all():
        return f"groks at {last}\n"
    return f"groks at {_range(grokked['first_reached_step'])},\nfor good at {last}"


def _range(steps: pd.Series) -> str:
    low, high = int(steps.min()), int(steps.max())
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"
