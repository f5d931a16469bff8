"""The embedding: its spectrum, its singular values, its circles."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from mechanics.figures.panels import level, lifted, limits, models_of, rows_of, shown_seed, write
from mechanics.figures.style import PAGE, REFERENCE, colour, drawable, label, note_diverged

N_COMPONENTS = 30  # of the singular values; the rest is a flat tail
KEY_FACTOR = 3.0  # as in mechanics.addition.fourier, which imports torch
LABEL_WIDTH, LABEL_HEIGHT = 6.0, 0.09  # of a frequency's name: in frequencies, of the axis
N_CIRCLES = 2


def embedding(table: pd.DataFrame, circuit: pd.DataFrame, circles: pd.DataFrame) -> plt.Figure:
    """``table``: embedding; ``circles``: embedding_circles; ``circuit``: the table."""
    kept = drawable(circuit)
    models = models_of(kept)
    widths = [2.1, 1.2, *[1] * (1 + N_CIRCLES)]
    size = (PAGE, 0.2 + 1.65 * len(models))
    figure, axes = plt.subplots(len(models), 5, figsize=size, squeeze=False, width_ratios=widths)
    for row, model in zip(axes, models, strict=True):
        seed, shade = shown_seed(kept, model), colour(model, circuit["model"])
        own, points, planes = (
            rows_of(frame, model=model, seed=seed) for frame in (kept, table, drawable(circles))
        )
        keys, in_embedding = keys_of(own), keys_of(own, "keys_w_e")
        spectrum(row[0], points, keys, keys_of(own, "harmonics"), shade)
        shares = shares_of(points)
        carried = shares.reindex(in_embedding).sum()
        words = f"{label(model)}, seed {seed}: {len(in_embedding)} of {len(shares)}\n"
        row[0].set_title(f"{words}frequencies carry {carried:.0%}", fontsize=7)
        _singular_values(row[1], points, 2 * len(in_embedding), shade)
        for axis in row[2:]:
            axis.set_axis_off()
        strongest = rows_of(planes, plane="key").sort_values("fve", ascending=False)
        drawn = pd.concat([rows_of(planes, plane="raw"), strongest.head(N_CIRCLES)])
        for axis, plane in zip(row[2:], drawn.itertuples(), strict=False):
            draw_plane(axis, points, plane.plane, plane.frequency)
            name = "PC 1, 2" if plane.plane == "raw" else f"k = {plane.frequency}"
            words = f"{name}: R² {plane.angle_r_squared:.3f}\nCV {plane.radius_cv:.2f}"
            axis.set_title(f"{words}, {plane.fve:.0%}", fontsize=6.5)
        if strongest.empty:
            write(row[3], "no key frequencies in its\nlogits: see the stream", (0.05, 0.5))
    axes[-1, 0].set_xlabel("frequency")
    axes[-1, 1].set_xlabel("component")
    note_diverged(figure, circuit)
    return figure


def keys_of(circuit: pd.DataFrame, column: str = "key_frequencies") -> list[int]:
    """Frequencies from the one row of a network in ``circuit``; empty if it has none."""
    listed = circuit[column].iloc[0] if column in circuit and len(circuit) else ""
    return [int(k) for k in listed.split()] if isinstance(listed, str) else []


def shares_of(points: pd.DataFrame) -> pd.Series:
    """The shares of W_E by frequency, from the rows of one network in ``embedding``."""
    return rows_of(points, kind="share").set_index("index")["value"].dropna()


def spectrum(
    axis: plt.Axes, points: pd.DataFrame, keys: list[int], harmonics: list[int], shade: str
) -> None:
    """Bars of the shares of W_E, keys in colour; those that are keys or tall have a name."""
    shares = shares_of(points)
    shades = dict.fromkeys(shares.index, "0.6") | dict.fromkeys(harmonics, "black")
    shades |= dict.fromkeys(keys, shade)
    axis.vlines(shares.index, 0, shares, color=[shades[k] for k in shares.index], linewidth=1.3)
    axis.set(xlabel="frequency", ylabel="share of W$_E$")
    if shares.empty:
        return
    least, top = KEY_FACTOR / len(shares), 1.1 * shares.max()
    named = [k for k in shares.index if k in keys or shares[k] >= least]
    beside = [k for k in named for k in shares.index[abs(shares.index - k) < LABEL_WIDTH / 2]]
    tops = [float(shares[[b for b in beside if abs(b - k) < LABEL_WIDTH / 2]].max()) for k in named]
    heights = lifted([float(k) for k in named], tops, LABEL_WIDTH, LABEL_HEIGHT * top)
    for k, height in zip(named, heights, strict=True):
        tint = shade if k in keys else REFERENCE
        write(axis, str(k), (k, height), (0, 1.5), on="data", ha="center", color=tint)
    level(axis, least, linewidth=0.7)
    limits(axis, 0, 1.2 * top)


def _singular_values(axis: plt.Axes, points: pd.DataFrame, drop: int, shade: str) -> None:
    """The largest as 1; ringed the one behind which they should drop."""
    values = points[(points["kind"] == "singular_value") & (points["index"] <= N_COMPONENTS)]
    values = values.set_index("index")["value"].sort_index()
    axis.plot(values.index, values / values.max(), ".-", color=shade, ms=3, linewidth=0.8)
    if drop in values.index:
        height = values[drop] / values.max()
        axis.plot(drop, height, "o", color="black", mfc="none", ms=6)
        write(axis, f"2 × {drop // 2}", (drop, height), (5, 2), on="data", color="black")
    axis.set(ylim=(0, 1.08), ylabel="singular value / largest")


def draw_plane(axis: plt.Axes, points: pd.DataFrame, plane: str, k: int) -> None:
    """The numbers of one network in a plane, ``key`` or ``raw``, of the table embedding.

    A number's hue is its angle on a perfect circle, k·t mod p.
    """
    own = rows_of(points, frequency=k).sort_values("index")
    x, y = (rows_of(own, kind=f"{plane}_{c}")["value"].to_numpy() for c in "xy")
    p = len(x)
    reach = 1.06 * max(np.abs(x).max(initial=0), np.abs(y).max(initial=0))
    if not reach > 0:
        return
    turn = 2 * np.pi * np.arange(p + 1) / p
    radius = np.hypot(x, y).mean()
    axis.plot(radius * np.cos(turn), radius * np.sin(turn), "--", color=REFERENCE, linewidth=0.6)
    axis.scatter(x, y, c=k * np.arange(p) % p, cmap="twilight_shifted", s=4, linewidths=0)
    axis.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
