"""Without one frequency.

Loss on all pairs without each of the frequencies, ablated from the logits or from the neurons;
keys coloured, the whole network's loss dashed.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from mechanics.figures.style import (
    PAGE,
    REFERENCE,
    NothingToDraw,
    colour,
    label,
    label_ends,
    note_diverged,
)
from mechanics.tables.frames import sound

LEVELS = {  # marker, filled
    "logits": ("o", True),
    "clusters": ("D", False),
}
WORDS = {"logits": "removed from the logits", "clusters": "its neurons at their mean"}


def frequency_ablation(ablation: pd.DataFrame, split: str = "all") -> Figure:
    """Loss after the removal of each frequency, every seed, a row per model.

    ``ablation``: model, status, and the columns of ``addition.frequency_ablation``. Coloured and
    numbered: key frequencies; grey: all others. Dashed: the loss of each whole network, and of the
    uniform answer, ln p.
    Raises ValueError if there is nothing to draw.
    """
    chosen = (ablation["split"] == split) & ablation["level"].isin(list(LEVELS))
    frame = sound(ablation[chosen])
    if frame.empty:
        raise NothingToDraw(f"no finished seed with split = {split!r} to draw")
    models = list(dict.fromkeys(frame["model"]))
    figure, axes = plt.subplots(
        len(models), 1, figsize=(PAGE, 0.5 + 1.9 * len(models)), sharex=True, squeeze=False
    )
    for axis, model in zip(axes[:, 0], models, strict=True):
        _panel(axis, frame[frame["model"] == model], colour(model, models))
        axis.set_title(_title(model, frame[frame["model"] == model]))
    handles = [_handle(level) for level in LEVELS]
    figure.legend(handles=handles, loc="outside upper center", frameon=False, ncols=2)
    axes[-1, 0].set_xlabel("frequency removed")
    figure.supylabel(f"cross-entropy, nats, {_in_words(split)}", fontsize=8)
    note_diverged(figure, ablation[chosen])
    return figure


def _panel(axis: Axes, own: pd.DataFrame, shade: str) -> None:
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(numticks=7))
    axis.yaxis.set_minor_locator(NullLocator())
    for level, (marker, filled) in LEVELS.items():
        for is_key, size, own_shade in ((False, 2.2, "0.65"), (True, 4.5, shade)):
            part = own[(own["level"] == level) & (own["is_key"] == is_key)]
            face = own_shade if filled else "none"
            axis.plot(
                *(part["frequency"], part["loss"], marker),
                **{"color": own_shade, "mfc": face, "ms": size, "mew": 0.7},
            )
    for frequency, rows in own[own["is_key"]].groupby("frequency"):
        axis.annotate(
            str(frequency),
            (frequency, rows["loss"].max()),
            xytext=(0, 4),
            textcoords="offset points",
            fontsize=6,
            color=shade,
            ha="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.3},
        )
    losses = own.groupby("seed")["loss_full"].first()
    p = 2 * own["frequency"].max() + 1
    for level in [*losses, np.log(p)]:
        axis.axhline(level, color=REFERENCE, linestyle="--", linewidth=0.7, zorder=0)
    axis.set_xlim(0, own["frequency"].max() + 1)
    low, high = axis.get_ylim()
    axis.set_ylim(low / 2, max(high, np.log(p)) * 4)
    middle = float(np.exp(np.log(losses).median()))
    ends = {"whole network": (middle, REFERENCE), "uniform answer": (np.log(p), REFERENCE)}
    label_ends(axis, ends)


def _handle(level: str) -> plt.Line2D:
    marker, filled = LEVELS[level]
    face = REFERENCE if filled else "none"
    style = {"linestyle": "none", "ms": 4, "mew": 0.7, "color": REFERENCE, "mfc": face}
    return plt.Line2D([], [], marker=marker, label=WORDS[level], **style)


def _title(model: str, own: pd.DataFrame) -> str:
    n_seeds = own["seed"].nunique()
    words = f"{label(model)}, {n_seeds} seed{'s' if n_seeds != 1 else ''}"
    without = n_seeds - own.loc[own["is_key"], "seed"].nunique()
    return words + (f", {without} without key frequencies" if without else "")


def _in_words(split: str) -> str:
    return "all pairs" if split == "all" else f"{split} pairs"
