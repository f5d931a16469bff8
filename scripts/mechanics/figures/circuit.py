"""The circuit of one layer: circles, few waves, and phases that add."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from mechanics.figures import style
from mechanics.figures.embedding import draw_plane, keys_of, shares_of, spectrum
from mechanics.figures.panels import rows_of, shown_model, shown_seed, write

TURN = 2 * np.pi


def circuit(
    embedding: pd.DataFrame,
    circuit: pd.DataFrame,
    grokking: pd.DataFrame,
    law: pd.DataFrame,
    neurons: pd.DataFrame,
) -> plt.Figure:
    """``law``: phase_law; ``neurons``: neuron_phases; the others: the tables of these names.

    The network is ``shown_model``, its first seed that grokked. Shuffled phases are drawn anew
    here, from a fixed seed; the table has its own.
    """
    model = shown_model(style.drawable(grokking))
    seed, shade = shown_seed(grokking, model), style.colour(model, grokking["model"])
    points, found, phases, own_law = (
        rows_of(frame, model=model, seed=seed)
        for frame in (embedding, circuit, style.drawable(neurons), law)
    )
    keys, shares = keys_of(found), shares_of(points)
    figure, axes = plt.subplots(1, 3, figsize=(style.COLUMN, 1.45), width_ratios=[1, 1.3, 1])
    _circle(axes[0], points, keys)
    spectrum(axes[1], points, keys, [], shade)
    axes[1].set_title(f"{len(keys)} waves: {shares.reindex(keys).sum():.0%}" if keys else "no keys")
    _phases(axes[2], phases.dropna(subset="share_of_key"), shade)
    cosines = own_law["cosine"].dropna()
    axes[2].set_title(f"cosine ≥ {cosines.min():.3f}" if len(cosines) else "phases")
    style.letter_panels(axes)
    style.note_diverged(figure, grokking)
    return figure


def _circle(axis: plt.Axes, points: pd.DataFrame, keys: list[int]) -> None:
    """The numbers in the plane of the key that has most of W_E."""
    axis.set_axis_off()
    shares = shares_of(points).reindex(keys).dropna()
    if shares.empty:
        write(axis, "no key\nfrequencies", (0.5, 0.5), ha="center")
        return
    strongest = int(shares.idxmax())
    draw_plane(axis, points, "key", strongest)
    axis.set_title(f"k = {strongest}")


def _phases(axis: plt.Axes, neurons: pd.DataFrame, shade: str) -> None:
    order = np.random.default_rng(0)
    for _, of_key in neurons.groupby("frequency"):
        shuffled = order.permutation(of_key["output_phase"].to_numpy())
        where, look = of_key["input_phase"] / TURN, {"linewidths": 0, "alpha": 0.6}
        look["s"] = 1 + 100 * of_key["share_of_key"]
        axis.scatter(where, shuffled / TURN, color="0.8", zorder=1, **look)
        axis.scatter(where, of_key["output_phase"] / TURN, color=shade, zorder=2, **look)
    axis.set(xlabel="φ$_a$ + φ$_b$, turns", ylabel="written, turns", xlim=(0, 1), ylim=(0, 1))
    axis.set_aspect("equal")
