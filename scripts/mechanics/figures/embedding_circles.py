"""Circles, and principal components.

The number tokens in the plane of each key frequency of W_E, and in its raw leading principal
components, with how circular they are: variation of the radius (CV), R² of the angle against k·t,
share of W_E. A random W_E has R² of about .55 and CV of .45 in such a plane, for the frequency
itself chooses it. The hue is a number's place on a perfect circle, dashed is the mean radius: look
for hues in order and points on the line. Raw components may mix frequencies, and then show no
circle.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechanics.figures.circuit_panels import of_seed
from mechanics.figures.panels import rows_of_panels
from mechanics.figures.style import (
    PAGE,
    REFERENCE,
    NothingToDraw,
    colour,
    drawable,
    label,
    note_diverged,
)


def embedding_circles(
    embedding: pd.DataFrame, circles: pd.DataFrame, model: str | None = None
) -> Figure:
    """``embedding``: the table; ``circles``: embedding_circles.

    ``model``: the first of those that did not diverge unless another one is named.
    """
    kept = drawable(circles).dropna(subset="fve")
    model = model or next(iter(kept["model"]), "every network")
    own = kept[kept["model"] == model]
    if own.empty:
        raise NothingToDraw(f"{model}: no seed to draw circles of")
    seeds = sorted(own["seed"].unique().tolist())
    n_columns = int(own.groupby("seed").size().max())
    figure, axes = rows_of_panels(len(seeds), n_columns, PAGE / n_columns + 0.35)
    points = embedding[embedding["model"] == model]
    for row, seed in enumerate(seeds):
        for axis in axes[row]:
            axis.set_axis_off()
        for axis, plane in zip(axes[row], of_seed(own, model, seed).itertuples(), strict=False):
            draw_plane(axis, of_seed(points, model, seed), plane.plane, plane.frequency)
            raw = plane.plane == "raw"
            title = f"PC 1, 2 (best k = {plane.frequency})" if raw else f"k = {plane.frequency}"
            shade = "black" if raw else colour(model, circles["model"])
            axis.set_title(title, color=shade, fontsize=7)
            words = f"CV {plane.radius_cv:.3f}, R² {plane.angle_r_squared:.4f}"
            words += f"\n{100 * plane.fve:.0f} % of W$_E$"
            axis.text(0.5, -0.03, words, transform=axis.transAxes, ha="center", va="top", size=6)
        first = axes[row, 0]
        first.text(-0.08, 0.5, f"seed {seed}", transform=first.transAxes, rotation=90, va="center")
    figure.suptitle(f"{label(model)}: numbers 0 … p − 1 in planes of W$_E$", fontsize=8)
    note_diverged(figure, circles[circles["model"] == model])
    return figure


def draw_plane(axis: Axes, points: pd.DataFrame, plane: str, k: int) -> None:
    """The numbers of one network in a plane, ``key`` or ``raw``, of the table embedding.

    A number's hue is its angle on a perfect circle, k·t mod p.
    """
    own = points[points["frequency"] == k]
    x, y = (
        own[own["kind"] == f"{plane}_{c}"].sort_values("index")["value"].to_numpy() for c in "xy"
    )
    p = len(x)
    reach = 1.06 * max(np.abs(x).max(initial=0), np.abs(y).max(initial=0))
    if not reach > 0:
        return
    turn = 2 * np.pi * np.arange(p + 1) / p
    radius = np.hypot(x, y).mean()
    axis.plot(radius * np.cos(turn), radius * np.sin(turn), "--", color=REFERENCE, linewidth=0.6)
    axis.scatter(x, y, c=k * np.arange(p) % p, cmap="twilight_shifted", s=5, linewidths=0)
    axis.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
