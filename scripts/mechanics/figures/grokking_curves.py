"""Training curves: grokking.

Accuracy and loss on training and validation pairs over training steps, one line per seed. Shaded:
the gap between memorising and generalising. Dotted: the grokking step, the first measured step from
which validation accuracy stays at or above the threshold of the config. Dashed: the first at it,
where spikes came later.
"""

from itertools import product

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechanics.figures.panels import models_of, write
from mechanics.figures.style import PAGE, REFERENCE, colour, label


def grokking_curves(history: pd.DataFrame, grokking: pd.DataFrame) -> Figure:
    """``history``: model, seed, step, split, loss, accuracy; ``grokking``: the table."""
    models = models_of(history)
    figure, axes = plt.subplots(
        2, len(models), figsize=(PAGE, 3.9), sharex="col", sharey="row", squeeze=False
    )
    for column, model in enumerate(models):
        upper, lower = axes[:, column]
        for _, own in history[history["model"] == model].groupby("seed"):
            _grokking_lines(upper, lower, own[own["step"] > 0])  # a log axis has no 0
        own = grokking[grokking["model"] == model]
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
        write(axes[0, 0], words, place, color=colour(split), size=7)
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
