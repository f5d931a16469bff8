"""Circles, and principal components.

The number tokens in the plane of each key frequency of W_E, and in its raw leading principal
components, with how circular they are: variation of the radius (CV), R² of the angle against k·t,
share of W_E. The hue is a number's place on a perfect circle, dashed is the mean radius: look for
hues in order and points on the line. Raw components may mix frequencies, and then show no circle.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechanics.figures.style import (
    PAGE,
    REFERENCE,
    NothingToDraw,
    colour,
    label,
    note_diverged,
)
from mechanics.tables.frames import sound


def embedding_circles(
    embedding: pd.DataFrame, circles: pd.DataFrame, model: str | None = None
) -> Figure:
    """The numbers of one model's seeds in each key plane, and in the first two components.

    ``model``: the first of ``circles`` unless another one is named.

    A number's hue is its angle on a perfect circle, k·t mod p; dashed, the circle of the mean
    radius. Below: the radius's coefficient of variation, R² of the angle, share of W_E.
    Raises ValueError if no seed of the model is left.
    """
    model = model or circles["model"].iloc[0]
    own = sound(circles[circles["model"] == model])
    if own.empty:
        raise NothingToDraw(f"{model}: no seed to draw circles of")
    seeds = sorted(own["seed"].unique())
    n_columns = int(own.groupby("seed").size().max())
    figure, axes = plt.subplots(
        len(seeds),
        n_columns,
        figsize=(PAGE, len(seeds) * (PAGE / n_columns + 0.35)),
        squeeze=False,
    )
    points = embedding[embedding["model"] == model]
    for row, seed in enumerate(seeds):
        planes = own[own["seed"] == seed]
        for axis in axes[row]:
            axis.set_axis_off()
        for axis, plane in zip(axes[row], planes.itertuples(), strict=False):
            mine = points[(points["seed"] == seed) & (points["frequency"] == plane.frequency)]
            x, y = (
                mine[mine["kind"] == f"{plane.plane}_{c}"].sort_values("index")["value"].to_numpy()
                for c in "xy"
            )
            draw_plane(axis, x, y, plane.frequency)
            raw = plane.plane == "raw"
            title = f"PC 1, 2 (best k = {plane.frequency})" if raw else f"k = {plane.frequency}"
            axis.set_title(
                title, color="black" if raw else colour(model, circles["model"]), fontsize=7
            )
            words = f"CV {plane.radius_cv:.3f}, R² {plane.angle_r_squared:.4f}"
            words += f"\n{100 * plane.fve:.0f} % of W$_E$"
            axis.text(0.5, -0.03, words, transform=axis.transAxes, ha="center", va="top", size=6)
        axes[row, 0].text(
            -0.08, 0.5, f"seed {seed}", transform=axes[row, 0].transAxes, rotation=90, va="center"
        )
    figure.suptitle(f"{label(model)}: numbers 0 … p − 1 in planes of W$_E$", fontsize=8)
    note_diverged(figure, circles[circles["model"] == model])
    return figure


def draw_plane(axis: Axes, x: np.ndarray, y: np.ndarray, k: int) -> None:
    p = len(x)
    turn = 2 * np.pi * np.arange(p + 1) / p
    radius = np.hypot(x, y).mean()
    axis.plot(radius * np.cos(turn), radius * np.sin(turn), "--", color=REFERENCE, linewidth=0.6)
    axis.scatter(x, y, c=k * np.arange(p) % p, cmap="twilight_shifted", s=5, linewidths=0)
    reach = 1.06 * max(np.abs(x).max(), np.abs(y).max())
    axis.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
