"""Trigonometric identities in the logits.

Trigonometric identities in the weights: how much of the logits cos ω_k(a+b−c) explains for each
key, and how well the neurons, read along W_L's Fourier directions, follow cos ω_k(a+b) and sin
ω_k(a+b).
"""

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechanics.figures.panels import models_of, rows_of_panels, write
from mechanics.figures.style import REFERENCE, colour, diverged_note, label
from mechanics.tables.frames import sound

OVERLAP = 8 / math.pi**2  # q_pizza of an exact clock and q_clock of an exact pizza
SEED_MARKERS = "os^Dv<>P"


def logit_identities(identities: pd.DataFrame, circuit: pd.DataFrame) -> Figure:
    """The tables of these names; a row per model, a mark per seed and key.

    Left: the variance of the logits that each key explains. Middle: R² of the neurons' projections
    on u_k and v_k against cos and sin of ω_k(a + b). Right: the variance of one isolated circle's
    logits explained by a clock and by a pizza; crosses are exact ones. Networks without key
    frequencies are named below.
    """
    kept = sound(identities)
    models = models_of(kept)
    figure, axes = rows_of_panels(max(len(models), 1), 3, 2.2)
    for (explained, projections, clocks), model in zip(axes, models, strict=False):
        own = kept[kept["model"] == model]
        shade = colour(model, models)
        _explained(explained, own, shade)
        for i, (seed, part) in enumerate(own.groupby("seed")):
            marker = SEED_MARKERS[i % len(SEED_MARKERS)]
            style = {"linestyle": "none", "marker": marker, "ms": 4, "mec": shade}
            projections.plot(part["frequency"], part["cos_r_squared"], mfc=shade, **style)
            projections.plot(part["frequency"], part["sin_r_squared"], mfc="none", **style)
            clocks.plot(part["q_pizza"], part["q_clock"], mfc="none", label=f"seed {seed}", **style)
        projections.set_ylim(0, 1.05)
        projections.set_xlabel("key frequency")
        projections.set_ylabel("R²: filled u$_k$, cos; open v$_k$, sin", fontsize=7)
        _reference(clocks)
        clocks.legend(loc="upper left", frameon=False, fontsize=6, handletextpad=0.2)
        projections.set_title(label(model))
    without = sound(circuit)[sound(circuit)["key_frequencies"] == ""]
    counts = without.groupby("model", sort=False).size()
    listed = ", ".join(f"{label(model)}: {n}" for model, n in counts.items())
    notes = [f"seeds without key frequencies: {listed}" if listed else "", diverged_note(circuit)]
    if any(notes):
        words = "; ".join(note for note in notes if note)
        figure.supxlabel(words, fontsize=6, color=REFERENCE)
    return figure


def _explained(axis: Axes, own: pd.DataFrame, shade: str) -> None:
    """A bar per seed, stacked of the keys, each with its name where there is room for it."""
    for position, (_, part) in enumerate(own.groupby("seed")):
        bottom = 0.0
        for row in part.sort_values("fve", ascending=False).itertuples():
            axis.bar(position, row.fve, 0.7, bottom, color=shade, alpha=0.6, edgecolor="white")
            if row.fve > 0.05:
                words, middle = f"{row.frequency}", bottom + row.fve / 2
                axis.text(position, middle, words, ha="center", va="center", fontsize=6)
            bottom += row.fve
        axis.text(position, bottom + 0.01, f"{bottom:.3f}", ha="center", va="bottom", fontsize=6)
    axis.set_xticks(range(own["seed"].nunique()), [f"seed {s}" for s in sorted(set(own["seed"]))])
    axis.set_ylim(0, 1.12)
    axis.set_ylabel("logit variance explained")


def _reference(axis: Axes) -> None:
    """Where an exact clock and an exact pizza lie, and the line on which neither is nearer."""
    axis.plot([0, 1.05], [0, 1.05], "--", color=REFERENCE, linewidth=0.7)
    for words, at, points, ha, va in (
        ("clock", (OVERLAP, 1.0), (-5, 0), "right", "center"),
        ("pizza", (1.0, OVERLAP), (0, -14), "center", "top"),
    ):
        axis.plot(*at, "x", color=REFERENCE, ms=5)
        write(axis, words, at, points, on="data", size=6.5, ha=ha, va=va)
    axis.set_xlim(0, 1.08)
    axis.set_ylim(0, 1.08)
    axis.set_xlabel("Q$_{pizza}$, one circle alone")
    axis.set_ylabel("Q$_{clock}$")
