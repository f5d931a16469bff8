"""Neurons by frequency.

Which frequency each neuron computes with: the share of its variance over all pairs that one
frequency explains, and how many neurons each frequency has. Above a panel: how much of what all
neurons write to the logits is written by neurons that one frequency explains.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mechanics.figures.circuit_panels import key_list, of_seed, seed_panels
from mechanics.figures.panels import level, lifted, write
from mechanics.figures.style import colour

EXPLAINED = 0.85  # fve above which one frequency explains a neuron (Nanda et al. 2023)
COUNT_WIDTH, COUNT_HEIGHT = 9.0, 0.1  # of a number of neurons: in frequencies, in explained share


def neuron_frequencies(neurons: pd.DataFrame, circuit: pd.DataFrame) -> Figure:
    """The tables of these names, a panel per model and seed.

    Filled: a neuron's output frequency is the same; open: another; grey cross: not measured, for
    W_L does not apply. Above a key frequency: its number of neurons. Dashed: ``EXPLAINED``.
    """
    figure, axes, rows = seed_panels(circuit, 1.75)
    for (model, seed), axis in axes.items():
        own = of_seed(neurons, model, seed)
        alive = own[own["frequency"] > 0]
        known = alive["output_frequency"].notna()
        same = known & (alive["frequency"] == alive["output_frequency"]).fillna(False)
        shade = colour(model, circuit["model"])
        for part, style in (
            (alive[same], {"marker": "o", "mfc": shade, "mec": "none", "alpha": 0.5}),
            (alive[known & ~same], {"marker": "o", "mfc": "none", "mec": shade, "mew": 0.5}),
            (alive[~known], {"marker": "x", "mec": "0.6", "mew": 0.5}),
        ):
            axis.plot(part["frequency"], part["fve"], linestyle="none", ms=2.5, **style)
        keys = key_list(rows.loc[(model, seed), "key_frequencies"])
        heights = lifted([float(k) for k in keys], [1.04] * len(keys), COUNT_WIDTH, COUNT_HEIGHT)
        for k, height in zip(keys, heights, strict=True):
            n = int((alive["frequency"] == k).sum())
            write(axis, f"{n}", (k, height), on="data", ha="center", color=shade)
        level(axis, EXPLAINED, linewidth=0.7)
        share = rows.loc[(model, seed), "neurons_explained_weighted"]
        if np.isfinite(share):  # else there is no W_L to count with
            axis.title.set_text(f"{axis.get_title()}\n{share:.1%} of the writing explained")
        axis.set_ylim(0, 1.04 + 3.5 * COUNT_HEIGHT)
        axis.set_yticks([0, 0.5, 1])
        axis.set_xlabel("frequency")
        axis.set_ylabel("variance explained")
        axis.label_outer()
    return figure
