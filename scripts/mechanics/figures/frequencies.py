"""Which frequencies are needed, and how few suffice."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from mechanics.figures.panels import each_seed, level, losses_axis, models_of, rows_of_panels, write
from mechanics.figures.style import REFERENCE, colour, drawable, label, note_diverged, spread
from mechanics.tables.frames import sound

SETS = {  # kind: name, whether it is about the keys
    "keys_kept": ("keys\nalone", True),
    "random_kept": ("others\nalone", False),
    "keys_removed": ("no\nkeys", True),
    "random_removed": ("no\nothers", False),
    "harmonics_removed": ("no\n2k", True),
}
OTHER = "0.65"
RIGHT = 0.99  # share of the answers
LABEL_WIDTH = 6.5  # frequencies
UNDER = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
IDEAL = {"ideal": "--", "equal_best": "-."}  # margins of the formula, and of equal α


def frequencies(
    removed: pd.DataFrame, embedding: pd.DataFrame, parsimony: pd.DataFrame
) -> plt.Figure:
    """``removed``: frequency_ablation; ``embedding``: embedding_ablation. A row per model."""
    kept = drawable(embedding)
    logits = sound(removed[(removed["level"] == "logits") & (removed["split"] == "all")])
    models = models_of(kept)
    widths = {"width_ratios": [1.25, 1.1, 1]}
    figure, axes = rows_of_panels(len(models), 3, 1.75, 0.1, **widths)
    for (single, sets, margin), model in zip(axes, models, strict=True):
        own, shade = kept[kept["model"] == model], colour(model, models)
        from_logits = logits[logits["model"] == model]
        one = from_logits if from_logits["is_key"].any() else own[own["kind"] == "one_removed"]
        where = "the logits" if from_logits["is_key"].any() else "W$_E$"
        _single(single, one, shade)
        single.set(ylabel="cross-entropy, nats", xlabel=f"frequency removed from {where}")
        keys = one[one["is_key"]].dropna(subset="accuracy")
        words = f"{(keys['accuracy'] >= RIGHT).sum()} of {len(keys)} keys: ≥ {RIGHT:.0%} stay right"
        words = f"{label(model)}, without one frequency\n{words if len(keys) else 'no keys'}"
        single.set_title(words, loc="left", fontsize=7)
        _sets(sets, own, shade)
        _margins(margin, sound(parsimony[parsimony["model"] == model]), shade)
        p = 2 * own["frequency"].max() + 1
        for axis in (single, sets):
            for height in [*own.loc[own["kind"] == "whole", "loss"], np.log(p)]:
                level(axis, height, linewidth=0.7, zorder=0)
    note_diverged(figure, embedding)
    return figure


def _single(axis: plt.Axes, own: pd.DataFrame, shade: str) -> None:
    """The first seed; the title counts the keys of all."""
    losses_axis(axis)
    keys = own[own["is_key"]].dropna(subset="loss")
    first = own[own["seed"] == (keys if len(keys) else own)["seed"].min()]
    for is_key, size, tint in ((False, 2.0, OTHER), (True, 3.5, shade)):
        part = first[first["is_key"] == is_key]
        axis.plot(part["frequency"], part["loss"], "o", color=tint, ms=size)
    named = keys[keys["seed"] == first["seed"].min()].sort_values("frequency")
    last = own["frequency"].max() + 1
    places = spread(named["frequency"].astype(float).tolist(), LABEL_WIDTH)
    for row, place in zip(named.itertuples(), places, strict=True):
        # white below the words hides the dashes, and below the points hides none of them
        above = {"on": "data", "color": shade, "ha": "center", "zorder": 1, "bbox": UNDER}
        words = f"{row.frequency}\n{row.accuracy:.0%}"
        middle = min(max(place, LABEL_WIDTH / 2), last - LABEL_WIDTH / 2)
        write(axis, words, (middle, row.loss), (0, 3), **above)
    axis.set_xlim(0, last)
    low, high = axis.get_ylim()
    if np.isfinite([low, high]).all():
        axis.set_ylim(low, high * (high / low) ** 0.25)


def _sets(axis: plt.Axes, own: pd.DataFrame, shade: str) -> None:
    losses_axis(axis)
    for place, (kind, (_, of_keys)) in enumerate(SETS.items()):
        part = own[own["kind"] == kind].dropna(subset="loss")
        if part.empty:
            continue
        apart = np.linspace(-0.2, 0.2, len(part)) if len(part) > 1 else np.zeros(1)
        style = {"color": shade if of_keys else OTHER, "ms": 3.5 if of_keys else 2.2}
        axis.plot(place + apart, part["loss"], "o", **style)
        ends = part["accuracy"].agg(["min", "max"])
        ends = [f"{100 * end:.1f}".removesuffix(".0") for end in ends]
        words = f"{ends[0]} %" if ends[0] == ends[1] else f"{ends[0]}–\n{ends[1]} %"
        above = {"on": ("data", "axes fraction"), "ha": "center", "va": "bottom"}
        write(axis, words, (place, 1.0), **above)
    axis.set_xticks(range(len(SETS)), [name for name, _ in SETS.values()], fontsize=6)
    axis.set_xlim(-0.5, len(SETS) - 0.5)


def _margins(axis: plt.Axes, own: pd.DataFrame, shade: str) -> None:
    own = own[own["n"] >= 1]
    keys = own[own["kind"] == "keys_only"]
    if keys.empty:
        axis.set_axis_off()
        write(axis, "no key frequencies\nin the logits", (0.5, 0.5), ha="center")
        return
    seen = own[own["n"] <= 2 * keys["n"].max()]
    each_seed(axis, seen[seen["kind"] == "frequencies"], "n", "min_margin", color=shade, lw=0.9)
    axis.plot(keys["n"], keys["min_margin"], "o", color=shade, ms=4, mfc="white", zorder=3)
    random = seen[seen["kind"] == "random_frequencies"]
    axis.plot(random["n"], random["min_margin"], "x", color=REFERENCE, ms=3.5, mew=0.7)
    for kind, style in IDEAL.items():
        middle = seen[seen["kind"] == kind].groupby("n")["min_margin"].median()
        axis.plot(middle.index, middle, style, color=REFERENCE, linewidth=0.9, zorder=1)
    level(axis, 0, "-", linewidth=0.5)
    counts = sorted({int(n) for n in keys["n"]})
    used = f"{counts[0]}–{counts[-1]}" if len(counts) > 1 else f"{counts[0]}"
    axis.set_title(f"{used} keys: margin ≥ {keys['min_margin'].min():.1f}", fontsize=7)
    axis.set(xlabel="frequencies kept", ylabel="least margin, logits")
    axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
