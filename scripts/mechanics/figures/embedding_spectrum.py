"""Fourier spectrum of the embedding.

Fourier spectrum of the embedding W_E: share of each frequency in what varies over the numbers. In
colour the network's key frequencies, in black their harmonics (twice a key, mod p), in grey all
others; dashed, what the key rule asks for. A circuit stands out as a few tall lines over empty
ground; a table of random vectors is flat.
"""

import pandas as pd
from matplotlib.figure import Figure

from mechanics.addition.fourier import KEY_FACTOR, harmonics
from mechanics.figures.circuit_panels import key_list, of_seed, seed_panels
from mechanics.figures.panels import level, lifted, limits, write
from mechanics.figures.style import REFERENCE, colour

LABEL_WIDTH, LABEL_HEIGHT = 6.0, 0.09  # of a frequency's name: in frequencies, of the axis


def embedding_spectrum(embedding: pd.DataFrame, circuit: pd.DataFrame) -> Figure:
    """The tables of these names. Keys are those of the network (from W_L, or the logits; without
    any, harmonics are those of W_E's own); others have a name where they pass the key rule in W_E.
    """
    figure, axes, rows = seed_panels(circuit, 1.5)
    shares = embedding[embedding["kind"] == "share"]
    for (model, seed), axis in axes.items():
        own = of_seed(shares, model, seed)
        keys = key_list(rows.loc[(model, seed), "key_frequencies"])
        least = KEY_FACTOR / max(len(own), 1)
        known = keys or key_list(rows.loc[(model, seed), "keys_w_e"])
        shades = dict.fromkeys(own["index"], "0.6")
        shades |= dict.fromkeys(harmonics(known, 2 * len(own) + 1), "black")
        shades |= dict.fromkeys(keys, colour(model, circuit["model"]))
        axis.vlines(
            own["index"], 0, own["value"], color=[shades[k] for k in own["index"]], linewidth=1.8
        )
        named = own[own["index"].isin(keys) | (own["value"] >= least)].dropna(subset="value")
        top = 1.1 * shares.loc[shares["model"] == model, "value"].max()
        tops = [
            float(own.loc[(own["index"] - k).abs() < LABEL_WIDTH / 2, "value"].max())
            for k in named["index"]  # a name stands above its neighbours' bars, too
        ]
        names = named["index"].astype(float).tolist()
        heights = lifted(names, tops, LABEL_WIDTH, LABEL_HEIGHT * top)
        for k, height in zip(named["index"], heights, strict=True):
            shade = shades[k] if k in keys else REFERENCE
            write(axis, str(k), (k, height), (0, 1.5), on="data", ha="center", color=shade)
        level(axis, least, linewidth=0.7)
        if not keys:
            source = rows.loc[(model, seed), "keys_from"].replace("logits", "the logits")
            axis.title.set_text(f"{axis.get_title()}\nno keys in {source}")
        axis.set_xlabel("frequency")
        axis.set_ylabel("share of W$_E$")
        axis.label_outer()
        limits(axis, 0, 1.2 * top)
    return figure
