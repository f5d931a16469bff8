"""Without one frequency.

Loss on all pairs without each of the frequencies, ablated from the logits or from the neurons;
keys coloured, the whole network's loss dashed.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mechanics.figures.panels import (
    in_seeds,
    label_ends,
    level,
    limits,
    losses_axis,
    models_of,
    rows_of_panels,
    write,
)
from mechanics.figures.style import REFERENCE, colour, drawable, label, note_diverged

LEVELS = {  # marker, filled
    "logits": ("o", True),
    "clusters": ("D", False),
}
WORDS = {"logits": "removed from the logits", "clusters": "its neurons at their mean"}


def frequency_ablation(ablation: pd.DataFrame, split: str = "all") -> Figure:
    """``ablation``: the table of this name; a row per model, every seed.

    Coloured and numbered: key frequencies; grey: all others. Dashed: the loss of each whole
    network, and of the uniform answer, ln p.
    """
    chosen = ablation[(ablation["split"] == split) & ablation["level"].isin(list(LEVELS))]
    frame = drawable(chosen)
    models = models_of(frame)
    figure, axes = rows_of_panels(len(models), 1, 1.9, 0.5, sharex=True)
    for axis, model in zip(axes[:, 0], models, strict=True):
        own = frame[frame["model"] == model]
        _panel(axis, own, colour(model, models))
        without = own["seed"].nunique() - own.loc[own["is_key"], "seed"].nunique()
        words = f", {without} without key frequencies" if without else ""
        axis.set_title(f"{label(model)}, {in_seeds(own)}{words}")
    handles = [_handle(level) for level in LEVELS]
    figure.legend(handles=handles, loc="outside upper center", frameon=False, ncols=2)
    axes[-1, 0].set_xlabel("frequency removed")
    pairs = "all pairs" if split == "all" else f"{split} pairs"
    figure.supylabel(f"cross-entropy, nats, {pairs}", fontsize=8)
    note_diverged(figure, chosen)
    return figure


def _panel(axis: Axes, own: pd.DataFrame, shade: str) -> None:
    losses_axis(axis)
    for name, (marker, filled) in LEVELS.items():
        for is_key, size, own_shade in ((False, 2.2, "0.65"), (True, 4.5, shade)):
            part = own[(own["level"] == name) & (own["is_key"] == is_key)]
            style = {"color": own_shade, "mfc": own_shade if filled else "none", "mew": 0.7}
            axis.plot(part["frequency"], part["loss"], marker, ms=size, **style)
    keys = own[own["is_key"]].dropna(subset="loss")
    for frequency, rows in keys.groupby("frequency"):
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.3}
        above = {"on": "data", "color": shade, "ha": "center", "bbox": box}
        write(axis, str(frequency), (frequency, rows["loss"].max()), (0, 4), **above)
    losses = own.groupby("seed")["loss_full"].first()
    p = 2 * own["frequency"].max() + 1
    for height in [*losses, np.log(p)]:
        level(axis, height, linewidth=0.7, zorder=0)
    axis.set_xlim(0, own["frequency"].max() + 1)
    low, high = axis.get_ylim()
    limits(axis, low / 2, max(high, np.log(p)) * 4)
    middle = float(np.exp(np.log(losses).median()))
    ends = {"whole network": (middle, REFERENCE), "uniform answer": (np.log(p), REFERENCE)}
    label_ends(axis, ends)


def _handle(level: str) -> Line2D:
    marker, filled = LEVELS[level]
    face = REFERENCE if filled else "none"
    style = {"linestyle": "none", "ms": 4, "mew": 0.7, "color": REFERENCE, "mfc": face}
    return Line2D([], [], marker=marker, label=WORDS[level], **style)
