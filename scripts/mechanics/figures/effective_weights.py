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

from mechanics.figures.panels import label_ends, level, models_of, with_range, write
from mechanics.figures.style import PAGE, colour, label, note_diverged
from mechanics.tables.frames import sound

MEASURED = {"correlation_gd": "with $W_{GD}$", "correlation_ols": "with $W_{OLS}$"}


def effective_weights(frame: pd.DataFrame) -> Figure:
    """``frame``: effective_weights."""
    models = models_of(frame)
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
    for model in models_of(frame):
        own = frame[(frame["model"] == model) & (frame["step"] > 0)]
        counts = own.groupby("step")[column].transform("count")
        common = own[counts == counts.max()]  # extra checkpoints differ by seed
        shade = colour(model, models)
        ends[label(model)] = with_range(axis, common.groupby("step")[column], shade), shade
    return ends


def _line(axis: Axes, height: float, name: str, place: float) -> None:
    level(axis, height, zorder=0)
    side = "left" if place < 0.5 else "right"
    write(axis, name, (place, height), (0, 2), on=("axes fraction", "data"), ha=side)
