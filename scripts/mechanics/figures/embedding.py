"""The embedding of the numbers: its spectrum, singular values and circles. Frames in, figure out.

The frames are those of ``addition.circuit`` (``circuit``, ``embedding``, ``circles``) after
columns model, seed and status; diverged seeds are left out and said so.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechanics.addition.fourier import KEY_FACTOR
from mechanics.figures.style import (
    PAGE,
    REFERENCE,
    NothingToDraw,
    colour,
    label,
    lifted,
    note_diverged,
)
from mechanics.tables.frames import sound

LABEL_WIDTH, LABEL_HEIGHT = 6.0, 0.09  # of a frequency's name: in frequencies, of the axis
SHORT_ROW = 3  # panels; the titles of more would touch
N_COMPONENTS = 30  # of the singular values; the rest is a flat tail


def key_list(listed: str) -> list[int]:
    """Key frequencies from a row of ``circuit``; empty if it has none."""
    return [int(k) for k in listed.split()]


def seed_panels(circuit: pd.DataFrame, height: float) -> tuple[Figure, dict, pd.DataFrame]:
    """A row of axes per model and a column per seed that did not diverge, titled.

    Returns the figure, {(model, seed): axis} and the rows of ``circuit`` by (model, seed).
    """
    kept = sound(circuit)
    models = list(dict.fromkeys(kept["model"]))
    seeds = {model: sorted(own["seed"]) for model, own in kept.groupby("model")}
    n_columns = max(len(own) for own in seeds.values())
    figure, axes = plt.subplots(
        len(models),
        n_columns,
        figsize=(PAGE, height * len(models) + 0.3),
        sharex=True,
        sharey="row",
        squeeze=False,
    )
    found = {}
    for row, model in enumerate(models):
        for column, axis in enumerate(axes[row]):
            if column >= len(seeds[model]):
                axis.set_visible(False)
                continue
            name = f"{label(model)}, seed {seeds[model][column]}"
            axis.set_title(name, fontsize=8 if n_columns <= SHORT_ROW else 6.5)
            found[model, seeds[model][column]] = axis
    note_diverged(figure, circuit)
    return figure, found, kept.set_index(["model", "seed"])


def embedding_spectrum(embedding: pd.DataFrame, circuit: pd.DataFrame) -> Figure:
    """Share of each frequency in what varies over the numbers in W_E.

    In colour the key frequencies of the network (from W_L, or the logits), with their names; in
    grey other frequencies, named where they pass the key rule, dashed.
    """
    figure, axes, rows = seed_panels(circuit, 1.5)
    shares = embedding[embedding["kind"] == "share"].set_index(["model", "seed"])
    for (model, seed), axis in axes.items():
        own = shares.loc[[(model, seed)]] if (model, seed) in shares.index else shares.iloc[:0]
        keys = key_list(rows.loc[(model, seed), "key_frequencies"])
        least = KEY_FACTOR / max(len(own), 1)
        shades = {k: colour(model, circuit["model"]) if k in keys else "0.6" for k in own["index"]}
        axis.vlines(own["index"], 0, own["value"], color=list(shades.values()), linewidth=1.8)
        named = own[own["index"].isin(keys) | (own["value"] >= least)]
        top = 1.1 * shares.loc[[model], "value"].max()
        tops = [
            float(own.loc[(own["index"] - k).abs() < LABEL_WIDTH / 2, "value"].max())
            for k in named["index"]  # a name stands above its neighbours' bars, too
        ]
        names = named["index"].astype(float).tolist()
        heights = lifted(names, tops, LABEL_WIDTH, LABEL_HEIGHT * top)
        for k, height in zip(named["index"], heights, strict=True):
            axis.annotate(
                str(k),
                (k, height),
                xytext=(0, 1.5),
                textcoords="offset points",
                ha="center",
                fontsize=6,
                color=shades[k] if k in keys else REFERENCE,
            )
        axis.axhline(least, color=REFERENCE, linestyle="--", linewidth=0.7)
        if not keys:
            source = rows.loc[(model, seed), "keys_from"].replace("logits", "the logits")
            axis.title.set_text(f"{axis.get_title()}\nno keys in {source}")
        axis.set_xlabel("frequency")
        axis.set_ylabel("share of W$_E$")
        axis.label_outer()
        axis.set_ylim(0, 1.2 * top)
    return figure


def embedding_svd(embedding: pd.DataFrame, circuit: pd.DataFrame) -> Figure:
    """Singular values of the numbers' centred embeddings, the largest as 1, a panel per model.

    A ring marks number 2|K|, where they fall if W_E holds one circle per key frequency of the
    logits; a triangle 2|K_E|, of those that pass the rule in W_E itself, where they are others.
    """
    kept = sound(circuit)
    models = list(dict.fromkeys(kept["model"]))
    figure, axes = plt.subplots(
        1, len(models), figsize=(PAGE, 2.3), sharex=True, sharey=True, squeeze=False
    )
    values = embedding[embedding["kind"] == "singular_value"]
    for model, axis in zip(models, axes[0], strict=True):
        counts, own_counts = [], []
        for row in kept[kept["model"] == model].itertuples():
            own = values[(values["model"] == model) & (values["seed"] == row.seed)]
            own = own[own["index"] <= N_COMPONENTS]
            relative = own["value"] / own["value"].max()
            axis.plot(
                own["index"], relative, ".-", color=colour(model, models), ms=3, linewidth=0.8
            )
            n_directions = 2 * len(key_list(row.key_frequencies))
            counts.append(n_directions)
            own_counts.append(2 * len(key_list(row.keys_w_e)))
            for marker, n in (("^", own_counts[-1]), ("o", n_directions)):
                if marker == "o" or n != n_directions:
                    at = own["index"] == n
                    axis.plot(
                        own["index"][at], relative[at], marker, color="black", mfc="none", ms=6
                    )
        words, own_words = (
            ", ".join(str(n) if n else "–" for n in found) for found in (counts, own_counts)
        )
        axis.set_title(f"{label(model)}\n○ 2|K| = {words}\n△ 2|K$_E$| = {own_words}", fontsize=7)
        axis.set_xlabel("component")
        axis.set_ylim(bottom=0)
    axes[0, 0].set_ylabel("singular value / largest")
    note_diverged(figure, circuit)
    return figure


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
