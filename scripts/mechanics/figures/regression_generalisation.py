"""Outside of what was trained on."""

from collections import namedtuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from mechanics.figures import panels, style
from mechanics.figures.panels import ARMS, rows_of
from mechanics.figures.style import REFERENCE

# In the first panel alone. Networks that a user adds are in all.
LEFT_OUT = ("softmax_L1_2heads", "linear_L2", "linear_L3")
N_LENGTHS = 3  # context lengths in the panels of dimension: the longest
TRAINED = "0.92"
MEASURED = {"linewidth": 2.6, "zorder": 2}  # wide and pale: a law lies on it
LAW = {"color": REFERENCE, "linestyle": "--", "linewidth": 1.0, "zorder": 3}
OLS = {"color": REFERENCE, "linestyle": ":", "linewidth": 1.0, "zorder": 1}
SPACE, LETTER = 0.05, 0.05  # between labels of an axis, and of their letters: shares of it
MARGIN = 1.6  # from the extreme risks of the networks to the ends of the axis


# A panel shows one shift. ``at`` is its trained value (None: from the rows), ``scale`` that of x.
Panel = namedtuple("Panel", "shift arm title x_label scale at", defaults=("linear", None))
PANELS = (
    Panel("context_length", "trained", "longer contexts", "context length k", "log"),
    Panel("input_scale", "trained", "inputs of another scale", "scale α of x", "log", at=1.0),
    Panel("covariance", "trained", "anisotropic inputs", "a, variances ∝ j$^{−a}$", at=0.0),
    Panel("noise", "trained", "noise in the context", "noise variance σ²", "symlog", at=0.0),
    Panel("dimension", "axis", "trained on the first coordinates", "dimension of x and w"),
    Panel("dimension", "random", "trained in random subspaces", "dimension of x and w"),
)


def regression_generalisation(frame: pd.DataFrame) -> plt.Figure:
    """``frame``: the table of this name. A panel for each shift; those without rows are left out.

    A line is the mean over seeds and the band spans them; dashed is the mean of their laws, dotted
    least squares on the same prompts (off the axis where it is 0). Models with the dimension shift
    are drawn in its panels alone, because at the trained d they repeat their model without
    ``d_max``; the panels hold the longest k.
    """
    models, finished = panels.models_of(frame), style.drawable(frame)
    arms = [*ARMS, *rows_of(finished, shift="dimension")["model"]]
    repeated = finished["model"].isin(arms) & (finished["shift"] != "dimension")
    drawn = finished[~repeated].dropna(subset="risk")
    rows = {panel: _rows(drawn, panel) for panel in PANELS}
    shown = [panel for panel in PANELS if len(rows[panel])]
    if not shown:
        raise style.NothingToDraw("no risk was measured under any shift")
    n_columns = min(3, len(shown))
    figure, axes = panels.rows_of_panels(int(np.ceil(len(shown) / n_columns)), n_columns, 2.3, 0.6)
    for axis, panel in zip(axes.flat, shown, strict=False):
        _draw(axis, panel, rows[panel], models)
        _mark_trained(axis, panel, finished[finished["model"].isin(rows[panel]["model"])])
    for axis in axes.flat[len(shown) :]:
        axis.set_visible(False)
    for axis in axes[:, 0]:
        axis.set_ylabel("risk, MSE / E[y²]")
    _legend(figure, frame)
    return figure


def _rows(frame: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """What a panel shows: all models where contexts grow, a few elsewhere."""
    own = rows_of(frame, shift=panel.shift, arm=panel.arm)
    if panel.shift == "dimension":
        n_lengths = N_LENGTHS if own["model"].nunique() == 1 else 1
        return own[own["k"].isin(sorted(own["k"].unique())[-n_lengths:])]
    few = ~own["model"].isin(LEFT_OUT)
    return own[few] if panel.shift != "context_length" and few.any() else own


def _draw(axis: plt.Axes, panel: Panel, rows: pd.DataFrame, models: list[str]) -> None:
    by_length = panel.shift == "dimension"
    axis.set_xscale(panel.scale, **({"linthresh": 0.1} if panel.scale == "symlog" else {}))
    axis.set_yscale("linear" if by_length else "log")
    low, high = rows["risk"].min(), rows["risk"].max()
    panels.limits(axis, *((0, 1.1 * high) if by_length else (low / MARGIN, high * MARGIN)))
    several, ends = rows["k"].nunique() > 1, {}
    # the context length is the value of its own shift, and a line of its own only in dimension
    for (model, k), own in rows.groupby(["model", "k"] if by_length else ["model", "shift"]):
        by_value, shade = own.groupby("value"), style.colour(model, models)
        end = panels.with_range(axis, by_value["risk"], shade, "mean", 0.25, alpha=0.6, **MEASURED)
        law = by_value["law"].mean().dropna()
        axis.plot(law.index, law, **LAW)
        ends[f"k = {k}" if by_length and several else style.label(model)] = end, shade
    for _, own in rows.groupby("k" if by_length else "shift"):
        # networks with fewer prompts have a least squares of their own: the one of most prompts
        most = own[own["n_prompts"] == own["n_prompts"].max()]
        least_squares = most.groupby("value")["ols"].mean()
        axis.plot(least_squares.index, least_squares, **OLS)
    panels.label_ends(axis, ends)
    if by_length and several:  # the ends have the lengths, so the corner has the network
        panels.write(axis, style.label(model), (0.03, 0.93), color=shade, size=6.5)
    if panel.scale != "linear":
        values = _apart(sorted(rows["value"].unique()), axis)
        axis.tick_params(axis="x", labelsize=6)
        axis.set_xticks([], minor=True)
        axis.set_xticks(values, [f"{value:g}" for value in values])
    axis.set_title(panel.title)
    axis.set_xlabel(panel.x_label)


def _apart(values: list[float], axis: plt.Axes) -> list[float]:
    """Those of the sorted values whose labels have room beside each other on the axis.

    The largest has a label whatever it takes: it says how far the shift goes.
    """
    to_fraction = axis.transScale + axis.transLimits
    places = {value: float(to_fraction.transform((value, 1))[0]) for value in values}

    def has_room(left: float, right: float) -> bool:
        letters = (len(f"{left:g}") + len(f"{right:g}")) / 2
        return places[right] - places[left] > SPACE + LETTER * letters

    kept: list[float] = []
    for value in values:
        while value == values[-1] and kept and not has_room(kept[-1], value):
            kept.pop()
        if not kept or has_room(kept[-1], value):
            kept.append(value)
    return kept


def _mark_trained(axis: plt.Axes, panel: Panel, rows: pd.DataFrame) -> None:
    """Shade the trained context lengths, or the trained value of another shift.

    The shortest context length of that shift is the shortest that was trained; all other shifts
    have the longest, and the trained d.
    """
    elsewhere = rows[~rows["shift"].isin(["context_length", "dimension"])]
    if panel.shift == "context_length":
        lengths = rows_of(rows, shift="context_length")["k"]
        axis.axvspan(lengths.min(), elsewhere["k"].max(), color=TRAINED, linewidth=0, zorder=0)
        return
    at = elsewhere["d"].max() if panel.shift == "dimension" else panel.at
    axis.axvline(at, color=TRAINED, linewidth=5, zorder=0)


def _legend(figure: plt.Figure, frame: pd.DataFrame) -> None:
    words = "network, mean and range of seeds"
    handles = [
        Line2D([], [], color="black", alpha=0.6, **MEASURED, label=words),
        Line2D([], [], **LAW, label="law of its own weights"),
        Line2D([], [], **OLS, label="least squares"),
        Patch(color=TRAINED, label="trained on"),
    ]
    note = {"title": style.diverged_note(frame) or None, "title_fontsize": 7}
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, **note)
