"""Effective weights: gradient descent or least squares?

Effective weights g = ∂ŷ/∂x_test at every checkpoint: Pearson's correlation with W_GD =
ηXᵀY and with least squares, means over context lengths, medians and ranges over seeds. Dashed:
what w itself has with W_GD, which any network that knows w reaches, and the network's own
correlation with W_GD of shuffled y. Right: the step size read from the merged weights, beside its
closed-form optimum.
"""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechanics.figures.style import PAGE, REFERENCE, colour, label, label_ends, note_diverged
from mechanics.tables.frames import sound

MEASURED = {"correlation_gd": "with $W_{GD}$", "correlation_ols": "with $W_{OLS}$"}


def effective_weights(frame: pd.DataFrame) -> Figure:
    """Correlation of g = ∂ŷ/∂x_test with W_GD and W_OLS, and the step size, over training.

    ``frame``: effective_weights.csv. Lines are medians over seeds, bands span all of them. Dashed:
    what w itself has with W_GD, which any network that knows w reaches, and c*.
    """
    models = list(dict.fromkeys(frame["model"]))
    kept, steps = sound(frame), frame[frame["c_hat"].notna()]
    figure, axes = plt.subplots(1, 3, figsize=(PAGE, 2.9))
    for axis, (column, words) in zip(axes, MEASURED.items(), strict=False):
        ends = _panel(axis, kept, column, models)
        axis.set(title=f"correlation of g {words}", ylim=(-0.1, 1.05), ylabel="Pearson's r")
    null = float(frame["correlation_null"].iloc[0])
    _line(axes[0], null, "null: w itself", 0.04)
    nothing = kept[kept["step"] == kept.groupby("model")["step"].transform("max")]
    _line(axes[0], float(nothing["correlation_shuffled"].mean()), "null: y shuffled", 0.98)
    label_ends(axes[1], ends, fontsize=6.0)  # the colours are the same in all panels
    label_ends(axes[2], _panel(axes[2], sound(steps), "c_hat", models), fontsize=6.0)
    axes[2].set(title="step size of one linear layer", ylabel="ĉ = tr Γ̂ / d")
    if len(steps):
        _line(axes[2], float(steps["c_star"].iloc[0]), "c* of the law", 0.04)
    note_diverged(figure, frame)
    return figure


def _panel(
    axis: Axes, frame: pd.DataFrame, column: str, models: list[str]
) -> dict[str, tuple[float, str]]:
    """Draw one quantity; return where each model's line ends, and its colour."""
    axis.set(xscale="log", xlabel="training step")
    ends = {}
    for model in dict.fromkeys(frame["model"]):
        by_step = frame[(frame["model"] == model) & (frame["step"] > 0)].groupby("step")[column]
        common = by_step.count() == by_step.count().max()  # extra checkpoints differ by seed
        by_step = by_step.agg(["median", "min", "max"])[common]
        line_colour = colour(model, models)
        axis.plot(by_step.index, by_step["median"], color=line_colour)
        axis.fill_between(
            by_step.index, by_step["min"], by_step["max"], color=line_colour, alpha=0.2, linewidth=0
        )
        ends[label(model)] = float(by_step["median"].iloc[-1]), line_colour
    return ends


def _line(axis: Axes, level: float, name: str, place: float) -> None:
    axis.axhline(level, color=REFERENCE, linestyle="--", linewidth=0.8, zorder=0)
    axis.annotate(
        name,
        (place, level),
        (0, 2),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        color=REFERENCE,
        fontsize=6,
        ha="left" if place < 0.5 else "right",
    )
