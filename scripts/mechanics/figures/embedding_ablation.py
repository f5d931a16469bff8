"""Frequencies removed from the embedding.

Frequencies removed from the embedding W_E, loss on all pairs. Left: each by itself, those of W_E
that pass the key rule coloured. Right: the keys alone, as many random others removed, the keys
removed, and as many random others alone; a mark per seed or draw. It holds for networks of any
depth, whose logits need not be a sum of the frequencies that they are made from.
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

SETS = {  # kind: name, whether it is about the keys
    "keys_kept": ("keys\nalone", True),
    "random_removed": ("as many\nothers\nremoved", False),
    "keys_removed": ("keys\nremoved", True),
    "random_kept": ("as many\nothers\nalone", False),
}
OTHER = "0.65"


def embedding_ablation(ablation: pd.DataFrame) -> Figure:
    """Loss on all pairs with frequencies removed from W_E, a row per model; marks are seeds.

    ``ablation``: model, seed, status, and the columns of ``addition.embedding_ablation``. Left:
    without each frequency, those of W_E that pass the key rule in colour. Right: sets, with
    the least and the largest accuracy of all seeds and draws above. Dashed: the whole networks, and
    the uniform answer, ln p. Raises ValueError if every seed diverged.
    """
    frame = sound(ablation)
    if frame.empty:
        raise NothingToDraw("no finished seed to draw")
    models = list(dict.fromkeys(frame["model"]))
    figure, axes = plt.subplots(
        *(len(models), 2),
        figsize=(PAGE, 0.7 + 1.9 * len(models)),
        sharey="row",
        squeeze=False,
        width_ratios=[1.7, 1],
    )
    for (single, sets), model in zip(axes, models, strict=True):
        own, shade = frame[frame["model"] == model], colour(model, models)
        _single(single, own[own["kind"] == "one_removed"], shade)
        _sets(sets, own, shade)
        n_seeds = own["seed"].nunique()
        single.set_title(f"{label(model)}, {n_seeds} seed{'s' if n_seeds != 1 else ''}", loc="left")
        _levels(single, sets, own)
    axes[-1, 0].set_xlabel("frequency removed from W$_E$")
    figure.supylabel("cross-entropy, nats, all pairs", fontsize=8)
    note_diverged(figure, ablation)
    return figure


def _single(axis: Axes, own: pd.DataFrame, shade: str) -> None:
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(numticks=7))
    axis.yaxis.set_minor_locator(NullLocator())
    for is_key, size, own_shade in ((False, 2.2, OTHER), (True, 3.5, shade)):
        part = own[own["is_key"] == is_key]
        axis.plot(part["frequency"], part["loss"], "o", color=own_shade, ms=size)
    axis.set_xlim(0, own["frequency"].max() + 1)


def _sets(axis: Axes, own: pd.DataFrame, shade: str) -> None:
    for place, (kind, (_, of_keys)) in enumerate(SETS.items()):
        part = own[own["kind"] == kind].dropna(subset="loss")
        if part.empty:
            continue
        apart = np.linspace(-0.2, 0.2, len(part)) if len(part) > 1 else np.zeros(1)
        style = {"color": shade if of_keys else OTHER, "ms": 3.5 if of_keys else 2.2}
        axis.plot(place + apart, part["loss"], "o", **style)
        low, high = (f"{100 * end:.1f}" for end in (part["accuracy"].min(), part["accuracy"].max()))
        words = low if low == high else f"{low}–{high}"
        axis.annotate(
            words,
            (place, 1.0),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="bottom",
            fontsize=6,
        )
    axis.set_xticks(range(len(SETS)), [name for name, _ in SETS.values()], fontsize=6)
    axis.set_xlim(-0.5, len(SETS) - 0.5)
    axis.set_title("accuracy, %, least–largest", fontsize=7, pad=12)


def _levels(single: Axes, sets: Axes, own: pd.DataFrame) -> None:
    losses = own.loc[own["kind"] == "whole", "loss"]
    chance = float(np.log(2 * own["frequency"].max() + 1))
    for axis in (single, sets):
        for level in [*losses, chance]:
            axis.axhline(level, color=REFERENCE, linestyle="--", linewidth=0.7, zorder=0)
    middle = float(np.exp(np.log(losses).median()))
    label_ends(sets, {"whole network": (middle, REFERENCE), "uniform": (chance, REFERENCE)})
