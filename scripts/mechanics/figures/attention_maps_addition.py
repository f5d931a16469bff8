"""Attention of the addition networks: maps over (a, b), and what frequency they follow."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mechanics.figures.style import PAGE, label, note_diverged

LIMIT = 2.0  # standard deviations at which the colours end


def attention_maps_addition(heads: pd.DataFrame, maps: pd.DataFrame) -> Figure:
    """Attention at "=" to a over all pairs, a row for each network, a column for each head.

    ``heads``: model, seed, status, layer, head, position, mean, std, frequency, fve; ``maps``: the
    first layer; of several seeds of a model the first is drawn. Colours are deviations from the
    head's mean in units of its standard deviation; both stand above the map, with the frequency
    that explains most of what varies over the pairs, and its share.
    """
    models = maps[["model", "seed"]].drop_duplicates("model").itertuples(index=False, name=None)
    models, n_heads = list(models), int(maps["head"].max()) + 1
    figure, axes = plt.subplots(
        len(models), n_heads, figsize=(PAGE, 1.9 * len(models) + 0.2), squeeze=False
    )
    for row, (model, seed) in zip(axes, models, strict=True):
        own = maps[(maps["model"] == model) & (maps["seed"] == seed)]
        beside = heads[(heads["model"] == model) & (heads["seed"] == seed) & (heads["layer"] == 0)]
        beside = beside[beside["position"] == "a"].set_index("head")
        for head, axis in enumerate(row):
            part = own[own["head"] == head]
            if part.empty:
                axis.set_visible(False)
                continue
            grid = part.pivot(index="a", columns="b", values="weight")
            about = beside.loc[head]
            deviations = (grid - about["mean"]) / (about["std"] or 1.0)
            # nearest: a cell stays one colour, which compresses; smoothed noise does not
            image = axis.imshow(
                deviations,
                origin="lower",
                cmap="RdBu_r",
                vmin=-LIMIT,
                vmax=LIMIT,
                interpolation="nearest",
            )
            axis.set_title(_in_words(about), fontsize=6)
            axis.set_xticks([0, grid.shape[1] - 1])
            axis.set_yticks([0, grid.shape[0] - 1])
            axis.set_xlabel("b", labelpad=-6)
        row[0].set_ylabel(f"{label(model)}\na", labelpad=-4)
    bar = figure.colorbar(image, ax=axes, shrink=0.4, pad=0.01)
    bar.set_label('attention of "=" to a,\nstandard deviations from its mean', fontsize=6.5)
    note_diverged(figure, heads)
    return figure


def _in_words(head: pd.Series) -> str:
    words = f"head {int(head.name) + 1}: {head['mean']:.2g} ± {head['std']:.1g}"
    if np.isnan(head["fve"]):
        return f"{words}\nconstant"
    return f"{words}\nk = {int(head['frequency'])} explains {head['fve']:.0%}"
