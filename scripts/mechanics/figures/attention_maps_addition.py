"""Attention maps.

Attention of "=" to a over all pairs, for every head of the first layer and the first seed. Shares
of a softmax have one scale from 0 to 1; the weights of linear attention are divided by the largest
of their head. Above each map: mean and standard deviation, and the frequency that explains most of
what varies; "constant" where it varies by less than a millionth of it, which float32 hardly
resolves. Stripes are waves in a or in b; where they cross, attention
follows both; a map of one colour is attention that does not look at the numbers.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mechanics.figures.panels import rows_of_panels
from mechanics.figures.style import NothingToDraw, drawable, label, note_diverged

SCALES = {  # shares of one attention: lowest and highest colour, colours, what they mean
    True: (0, 1, "cividis", 'attention of "=" to a, a share'),
    False: (-1, 1, "RdBu_r", "without softmax: attention\nover its largest in the head"),
}


def attention_maps_addition(heads: pd.DataFrame, maps: pd.DataFrame) -> Figure:
    """``heads``: attention_addition; ``maps``: attention_maps, of the first layer.

    Of several seeds of a model the first is drawn. Above a map: mean and standard deviation, and
    the frequency that explains most of what varies, where anything does.
    """
    drawn = drawable(maps).dropna(subset="weight")
    models = drawn[["model", "seed"]].drop_duplicates("model").itertuples(index=False, name=None)
    models = list(models)
    if not models:
        raise NothingToDraw("no attention of any network was measured")
    n_heads = int(maps["head"].max()) + 1
    figure, axes = rows_of_panels(len(models), n_heads, 1.9, 0.2)
    for row, (model, seed) in zip(axes, models, strict=True):
        own = drawn[(drawn["model"] == model) & (drawn["seed"] == seed)]
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
            largest = 1.0 if shares else np.abs(grid.to_numpy()).max() or 1.0
            # nearest: a cell stays one colour, which compresses; smoothed noise does not
            style = {"origin": "lower", "cmap": colours, "interpolation": "nearest"}
            image = axis.imshow(grid / largest, vmin=low, vmax=high, **style)
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
