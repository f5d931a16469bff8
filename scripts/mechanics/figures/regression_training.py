"""The training of the regression networks."""

import matplotlib.pyplot as plt
import pandas as pd

from mechanics.figures import panels
from mechanics.figures.style import REFERENCE, colour, label, note_diverged
from mechanics.tables.frames import sound

N_LENGTHS = 3  # the longest
RISK_FLOOR = 1e-3  # below it the risk axis is linear, so that the zero of OLS can be drawn
LEVELS = {"one step": "one_step_mixture", "OLS": "ols"}
MEASURED = {"correlation_gd": "with W$_{GD}$", "correlation_ols": "with least squares"}


def regression_training(
    history: pd.DataFrame, risks: pd.DataFrame, weights: pd.DataFrame
) -> plt.Figure:
    """``history``: model, seed, step, k, risk; ``risks``: regression_risk, for the levels.

    ``weights``: effective_weights.
    """
    history, weights = panels.without_arms(history), panels.without_arms(weights)
    kept = sound(weights)
    figure, axes = panels.rows_of_panels(2, 3, 2.2)
    for axis, k in zip(axes[0], sorted(history["k"].unique())[-N_LENGTHS:], strict=False):
        _risk(axis, history[history["k"] == k], risks[risks["k"] == k])
    for axis, (column, words) in zip(axes[1], MEASURED.items(), strict=False):
        ends = _medians(axis, kept, column)
        axis.set(ylim=(-0.1, 1.05), ylabel="Pearson's r", title=f"correlation of g {words}")
        axis.title.set_fontsize(7)
        if column == "correlation_gd":
            ends |= _nulls(axis, kept[kept["model"] == kept["model"].iloc[0]])
        panels.label_ends(axis, ends)
    _step_size(axes[1, 2], kept[kept["c_hat"].notna()])
    note_diverged(figure, weights)
    return figure


def _medians(axis: plt.Axes, frame: pd.DataFrame, column: str) -> dict[str, tuple[float, str]]:
    """A line per network, at the steps that all its seeds have; where it ends, and its colour."""
    axis.set(xscale="log", xlabel="training step")
    models, ends = panels.models_of(frame), {}
    for model in models:
        own = frame[(frame["model"] == model) & (frame["step"] > 0)]  # a log axis has no 0
        counts = own.groupby("step")[column].transform("count")
        common = own[counts == counts.max()]  # extra checkpoints differ by seed
        shade = colour(model, models)
        ends[label(model)] = panels.with_range(axis, common.groupby("step")[column], shade), shade
    return ends


def _risk(axis: plt.Axes, own: pd.DataFrame, risks: pd.DataFrame) -> None:
    axis.set_yscale("symlog", linthresh=RISK_FLOOR, linscale=0.3)
    ends = _medians(axis, own, "risk")
    axis.set(ylim=(-2e-4, 3), ylabel="risk, MSE / d", title=f"k = {own['k'].iloc[0]}")
    for place, (name, column) in enumerate(LEVELS.items()):
        if len(risks):
            height = risks[column].iloc[0]
            panels.level(axis, height, zorder=0)
            panels.write(
                axis, name, (0.01 + 0.25 * place, height), (0, 2), on=axis.get_yaxis_transform()
            )
    panels.label_ends(axis, ends)


def _nulls(axis: plt.Axes, own: pd.DataFrame) -> dict[str, tuple[float, str]]:
    final, ends = own[own["step"] == own["step"].max()], {}
    for column, name in (("correlation_null", "w itself"), ("correlation_shuffled", "y shuffled")):
        height = float(final[column].median())
        panels.level(axis, height, zorder=0)
        ends[f"null: {name}"] = height, REFERENCE
    reached = panels.last(own.groupby("step")["correlation_gd"].median())
    words = "correlation of g with W$_{GD}$\n"
    axis.set_title(f"{words}{label(own['model'].iloc[0])}: {reached:.4f}", fontsize=7)
    return ends


def _step_size(axis: plt.Axes, steps: pd.DataFrame) -> None:
    axis.set_title("step size of one linear layer")
    axis.set_ylabel("ĉ = tr Γ̂ / d")
    if steps.empty:
        axis.set_axis_off()
        return
    panels.label_ends(axis, _medians(axis, steps, "c_hat"))
    first = panels.rows_of(steps, model=steps["model"].iloc[0])
    law = float(first["c_star"].iloc[0])
    panels.level(axis, law, zorder=0)
    reached = panels.last(first.groupby("step")["c_hat"].mean())  # as in the report
    axis.set_title(f"step size {reached:.4f}, law {law:.4f}")
