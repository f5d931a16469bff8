"""Frequencies removed from the embedding.

Frequencies removed from the embedding W_E, loss on all pairs. Left: each by itself, the
network's keys coloured, their harmonics (twice a key, mod p) black. Right: the keys alone, these
and their harmonics, as many random others as keys removed, the harmonics removed, the keys
removed, and as many random others alone; a mark per seed or draw. It holds for networks of any
depth, whose logits need not be a sum of the frequencies that they are made from.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechanics.figures.panels import (
    in_seeds,
    label_ends,
    level,
    losses_axis,
    models_of,
    rows_of_panels,
    write,
)
from mechanics.figures.style import REFERENCE, colour, drawable, label, note_diverged

SETS = {  # kind: name, whether it is about the keys
    "keys_kept": ("keys\nalone", True),
    "both_kept": ("and\n2k", True),
    "random_removed": ("as many\nothers\nremoved", False),
    "harmonics_removed": ("2k\nremoved", True),
    "keys_removed": ("keys\nremoved", True),
    "random_kept": ("as many\nothers\nalone", False),
}
OTHER = "0.65"


def embedding_ablation(ablation: pd.DataFrame) -> Figure:
    """``ablation``: the table of this name; a row per model.

    Above the sets: the least and the largest accuracy of all seeds and draws. Dashed: the whole
    networks, and the uniform answer, ln p.
    """
    frame = drawable(ablation)
    models = models_of(frame)
    shape = {"sharey": "row", "width_ratios": [1.3, 1]}
    figure, axes = rows_of_panels(len(models), 2, 1.9, 0.7, **shape)
    for (single, sets), model in zip(axes, models, strict=True):
        own, shade = frame[frame["model"] == model], colour(model, models)
        _single(single, own[own["kind"] == "one_removed"], shade)
        _sets(sets, own, shade)
        single.set_title(f"{label(model)}, {in_seeds(own)}", loc="left")
        _levels(single, sets, own)
    axes[-1, 0].set_xlabel("frequency removed from W$_E$")
    figure.supylabel("cross-entropy, nats, all pairs", fontsize=8)
    note_diverged(figure, ablation)
    return figure


def _single(axis: Axes, own: pd.DataFrame, shade: str) -> None:
    losses_axis(axis)
    for group, size, own_shade in (
        ("other", 2.2, OTHER),
        ("harmonic", 3.0, "black"),
        ("key", 3.5, shade),
    ):
        part = own[own["group"] == group]
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
        above = {"on": ("data", "axes fraction"), "color": None, "ha": "center", "va": "bottom"}
        write(axis, low if low == high else f"{low}–{high}", (place, 1.0), **above)
    axis.set_xticks(range(len(SETS)), [name for name, _ in SETS.values()], fontsize=6)
    axis.set_xlim(-0.5, len(SETS) - 0.5)
    axis.set_title("accuracy, %, least–largest", fontsize=7, pad=12)


def _levels(single: Axes, sets: Axes, own: pd.DataFrame) -> None:
    losses = own.loc[own["kind"] == "whole", "loss"]
    chance = float(np.log(2 * own["frequency"].max() + 1))
    for axis in (single, sets):
        for height in [*losses, chance]:
            level(axis, height, linewidth=0.7, zorder=0)
    middle = float(np.exp(np.log(losses).median()))
    label_ends(sets, {"whole network": (middle, REFERENCE), "uniform": (chance, REFERENCE)})
