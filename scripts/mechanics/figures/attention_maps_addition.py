"""Attention maps.

Attention of "=" to a over all pairs, for every head of the first layer and the first seed. Shares
of a softmax have one scale from 0 to 1; the weights of linear attention are divided by the largest
of their head. Above each map: mean and standard deviation, and the frequency that explains most of
what varies, however little that is. Stripes are waves in a or in b; where they cross, attention
follows both; a map of one colour is attention that does not look at the numbers.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mechanics.figures.style import PAGE, label, note_diverged

SCALES = {  # shares of one attention: lowest and highest colour, colours, what they mean
    True: (0, 1, "cividis", 'attention of "=" to a, a share'),
    False: (-1, 1, "RdBu_r", "without softmax: attention\nover its largest in the head"),
}


def attention_maps_addition(heads: pd.DataFrame, maps: pd.DataFrame) -> Figure:
    """Attention at "=" to a over all pairs, a row for each network, a column for each head.

    ``heads``: model, seed, status, layer, head, position, mean, std, frequency, fve; ``maps``: the
    first layer; of several seeds of a model the first is drawn. Softmax's shares have one scale
    from 0 to 1, so attention that hardly varies looks as it is; without softmax, where weights
    have any size and sign, those of a head are divided by its largest. Above a map: mean and
    standard deviation, and the frequency that explains most of what varies, however little.
    """
    models = maps[["model", "seed"]].drop_duplicates("model").itertuples(index=False, name=None)
    models, n_heads = list(models), int(maps["head"].max()) + 1
    figure, axes = plt.subplots(
        len(models), n_heads, figsize=(PAGE, 1.9 * len(models) + 0.2), squeeze=False
    )
    for row, (model, seed) in zip(axes, models, strict=True):
        own = maps[(maps["model"] == model) & (maps["seed"] == seed)]
        beside = heads[(heads["model"] == model) & (heads["seed"] == seed) & (heads["layer"] == 0)]
        shares = bool(np.allclose(beside.groupby("head")["mean"].sum(), 1, atol=1e-3))
        low, high, colours, words = SCALES[shares]
        beside = beside[beside["position"] == "a"].set_index("head")
        for head, axis in enumerate(row):
            part = own[own["head"] == head]
            if part.empty:
                axis.set_visible(False)
                continue
            grid = part.pivot(index="a", columns="b", values="weight")
            # nearest: a cell stays one colour, which compresses; smoothed noise does not
            image = axis.imshow(
                grid if shares else grid / (np.abs(grid.to_numpy()).max() or 1.0),
                origin="lower",
                cmap=colours,
                vmin=low,
                vmax=high,
                interpolation="nearest",
            )
            axis.set_title(_in_words(beside.loc[head]), fontsize=6)
            axis.set_xticks([0, grid.shape[1] - 1])
            axis.set_yticks([0, grid.shape[0] - 1])
            axis.set_xlabel("b", labelpad=-6)
        several = heads.loc[heads["model"] == model, "layer"].max() > 0
        which = ": the first" if several else ""
        row[0].set_ylabel(f"{label(model)}{which}\na", labelpad=-4)
        bar = figure.colorbar(image, ax=row, shrink=0.8, pad=0.01, ticks=[low, 0, high])
        bar.set_label(words, fontsize=6.5)
    note_diverged(figure, heads)
    return figure


def _in_words(head: pd.Series) -> str:
    words = f"head {int(head.name) + 1}: {head['mean']:.2g} ± {head['std']:.1g}"
    if np.isnan(head["fve"]):
        return f"{words}\nconstant"
    return f"{words}\nk = {int(head['frequency'])} explains {head['fve']:.0%}"
