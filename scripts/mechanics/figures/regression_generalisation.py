"""Outside of what was trained on.

Every network outside of what it was trained on: longer contexts, inputs of another scale,
anisotropic inputs, noise in the context, and more dimensions than trained, along the axes and in
random subspaces. Dashed: the closed law at the network's own measured weights, with nothing
fitted. Dotted: least squares on the same prompts (zero where k ≥ d). Shaded: what was trained on.
"""

from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from mechanics.figures.style import (
    PAGE,
    REFERENCE,
    NothingToDraw,
    colour,
    diverged_note,
    label,
    label_ends,
)

FEW = ("linear_L1", "softmax_L1", "linear_L6", "deep_L6")  # in all panels but the first
N_LENGTHS = 3  # context lengths in the panels of dimension: the longest
TRAINED = "0.92"
MEASURED = {"linewidth": 2.6, "alpha": 0.6, "zorder": 2}  # wide and pale: a law lies on it
LAW = {"color": REFERENCE, "linestyle": "--", "linewidth": 1.0, "zorder": 3}
OLS = {"color": REFERENCE, "linestyle": ":", "linewidth": 1.0, "zorder": 1}
MARGIN = 1.6  # from the extreme risks of the networks to the ends of the axis


@dataclass(frozen=True)
class Panel:
    """One shift. ``at`` is its trained value (``None``: from the rows), ``scale`` that of x."""

    shift: str
    arm: str
    title: str
    x_label: str
    scale: str = "linear"
    at: float | None = None


PANELS = (
    Panel("context_length", "trained", "longer contexts", "context length k", "log"),
    Panel("input_scale", "trained", "inputs of another scale", "scale α of x", "log", at=1.0),
    Panel("covariance", "trained", "anisotropic inputs", "a, variances ∝ j$^{−a}$", at=0.0),
    Panel("noise", "trained", "noise in the context", "noise variance σ²", "symlog", at=0.0),
    Panel("dimension", "axis", "trained on the first coordinates", "dimension of x and w"),
    Panel("dimension", "random", "trained in random subspaces", "dimension of x and w"),
)


def regression_generalisation(frame: pd.DataFrame) -> Figure:
    """Risk over the size of every shift, a panel each; panels without rows are left out.

    ``frame``: the rows of ``measure_generalisation.py`` with ``model`` and ``status`` (finished
    or diverged). A line is the mean over seeds and the band spans them; dashed is the mean of
    their laws, dotted least squares on the same prompts (off the axis where it is 0). What was
    trained on is shaded. Models with the dimension shift are drawn in its panels alone, because
    at the trained d they repeat their model without ``d_max``; the panels hold the longest k.

    Raises ValueError if every seed diverged.
    """
    models = list(dict.fromkeys(frame["model"]))
    finished = frame[frame["status"] != "diverged"]
    with_dimension = finished.loc[finished["shift"] == "dimension", "model"].unique()
    repeated = finished["model"].isin(with_dimension) & (finished["shift"] != "dimension")
    drawn = finished[~repeated]
    rows = {panel: _rows(drawn, panel) for panel in PANELS}
    panels = [panel for panel in PANELS if len(rows[panel])]
    if not panels:
        raise NothingToDraw("no seed to draw: all have diverged")

    n_columns = min(3, len(panels))
    n_rows = int(np.ceil(len(panels) / n_columns))
    size = (PAGE, 0.6 + 2.3 * n_rows)
    figure, axes = plt.subplots(n_rows, n_columns, figsize=size, squeeze=False)
    for axis, panel in zip(axes.flat, panels, strict=False):
        _draw(axis, panel, rows[panel], models)
        _mark_trained(axis, panel, finished[finished["model"].isin(rows[panel]["model"])])
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for axis in axes[:, 0]:
        axis.set_ylabel("risk, MSE / E[y²]")
    _legend(figure, frame)
    return figure


def _rows(frame: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """What a panel shows: all models where contexts grow, a few elsewhere."""
    own = frame[(frame["shift"] == panel.shift) & (frame["arm"] == panel.arm)]
    if panel.shift == "dimension":
        lengths = sorted(own["k"].unique())[-N_LENGTHS:]
        return own[own["k"].isin(lengths)]
    few = own["model"].isin(FEW)
    return own[few] if panel.shift != "context_length" and few.any() else own


def _draw(axis: Axes, panel: Panel, rows: pd.DataFrame, models: list[str]) -> None:
    by_length = panel.shift == "dimension"
    axis.set_xscale(panel.scale, **({"linthresh": 0.1} if panel.scale == "symlog" else {}))
    axis.set_yscale("linear" if by_length else "log")
    low, high = rows["risk"].min(), rows["risk"].max()
    axis.set_ylim(*((0, 1.1 * high) if by_length else (low / MARGIN, high * MARGIN)))
    ends = {}
    # the context length is the value of its own shift, and a line of its own only in dimension
    for (model, k), own in rows.groupby(["model", "k"] if by_length else ["model", "shift"]):
        by_value = own.groupby("value")
        risk, line_colour = by_value["risk"], colour(model, models)
        middle = risk.mean()
        axis.plot(middle.index, middle, color=line_colour, **MEASURED)
        axis.fill_between(
            middle.index, risk.min(), risk.max(), color=line_colour, alpha=0.25, linewidth=0
        )
        law = by_value["law"].mean().dropna()
        axis.plot(law.index, law, **LAW)
        name = f"k = {k}" if by_length else label(model)
        ends[name] = (float(middle.iloc[-1]), line_colour)
    for _, own in rows.groupby("k" if by_length else "shift"):
        # networks with fewer prompts have a least squares of their own: the one of most prompts
        most = own[own["n_prompts"] == own["n_prompts"].max()]
        least_squares = most.groupby("value")["ols"].mean()
        axis.plot(least_squares.index, least_squares, **OLS)
    label_ends(axis, ends)
    if panel.scale != "linear":
        values = _apart(sorted(rows["value"].unique()), axis)
        axis.tick_params(axis="x", labelsize=6)
        axis.xaxis.set_minor_locator(NullLocator())
        axis.xaxis.set_major_locator(FixedLocator(values))
        axis.xaxis.set_major_formatter(FixedFormatter([f"{value:g}" for value in values]))
    axis.set_title(panel.title)
    axis.set_xlabel(panel.x_label)


def _apart(values: list[float], axis: Axes) -> list[float]:
    """Those of the sorted values whose labels have room beside each other on the axis."""
    to_fraction = axis.transScale + axis.transLimits
    kept, last = [], -np.inf
    for value in values:
        place = to_fraction.transform((value, 1))[0]
        if place - last > 0.13:
            kept, last = [*kept, value], place
    return kept


def _mark_trained(axis: Axes, panel: Panel, rows: pd.DataFrame) -> None:
    """Shade the trained context lengths, or the trained value of another shift.

    The shortest context length of that shift is the shortest that was trained; all other shifts
    have the longest, and the trained d.
    """
    elsewhere = rows[~rows["shift"].isin(["context_length", "dimension"])]
    if panel.shift == "context_length":
        lengths = rows.loc[rows["shift"] == "context_length", "k"]
        axis.axvspan(lengths.min(), elsewhere["k"].max(), color=TRAINED, linewidth=0, zorder=0)
        return
    at = elsewhere["d"].max() if panel.shift == "dimension" else panel.at
    axis.axvline(at, color=TRAINED, linewidth=5, zorder=0)


def _legend(figure: Figure, frame: pd.DataFrame) -> None:
    handles = [
        Line2D([], [], color="black", **MEASURED, label="network, mean and range of seeds"),
        Line2D([], [], **LAW, label="law of its own weights"),
        Line2D([], [], **OLS, label="least squares"),
        Patch(color=TRAINED, label="trained on"),
    ]
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=len(handles),
        frameon=False,
        title=diverged_note(frame) or None,
        title_fontsize=7,
    )
