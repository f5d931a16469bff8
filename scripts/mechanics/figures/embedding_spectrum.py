"""Fourier spectrum of the embedding.

Fourier spectrum of the embedding W_E: share of each frequency in what varies over the numbers. In
colour the network's key frequencies, in grey all others; dashed, what the key rule asks for. A
circuit stands out as a few tall lines over empty ground; a table of random vectors is flat.
"""

import pandas as pd
from matplotlib.figure import Figure

from mechanics.addition.fourier import KEY_FACTOR
from mechanics.figures.circuit_panels import key_list, seed_panels
from mechanics.figures.style import (
    REFERENCE,
    colour,
    lifted,
)

LABEL_WIDTH, LABEL_HEIGHT = 6.0, 0.09  # of a frequency's name: in frequencies, of the axis


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
