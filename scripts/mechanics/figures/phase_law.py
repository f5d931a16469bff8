"""The phase law: how one layer adds.

How one layer adds: the phase with which a neuron writes is the sum of the phases with which it
reads a and b. Neurons that obey this law add cos ω_k(a + b − c) whatever their phase; spread round
the circle they cancel everything else. (a) Every neuron of one network, as large as what it
contributes to the logits, and grey with the output phases shuffled over the neurons of its key.
(b) The mean cosine of ψ − φ_a − φ_b for every key, and grey what 95 % of shuffles stay below.
(c) The wave in ω_k(a + b + c) that is left over, as a share of the one that adds; dashed, as many
neurons of random phases. (d) What each key's neurons recover when patched, beside what the
amplitudes α_k predict without a fit.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechanics.figures.panels import models_of, rows_of_panels, shown_model, write
from mechanics.figures.style import (
    REFERENCE,
    NothingToDraw,
    colour,
    drawable,
    label,
    note_diverged,
)

TURN = 2 * np.pi


def phase_law(law: pd.DataFrame, neurons: pd.DataFrame) -> Figure:
    """``law``: phase_law; ``neurons``: neuron_phases. A mark per network, seed and key.

    Shuffled phases are drawn anew here, from a fixed seed; the table has its own.
    """
    kept = drawable(law).dropna(subset="cosine")
    if kept.empty:
        raise NothingToDraw("no network has key frequencies whose neurons could be read")
    models = models_of(kept)
    figure, axes = rows_of_panels(2, 2, 2.5)
    (of_neurons, cosines), (errors, recoveries) = axes
    _of_neurons(
        of_neurons, drawable(neurons).dropna(subset="share_of_key"), shown_model(kept), models
    )
    for model in models:
        own, shade = kept[kept["model"] == model], colour(model, models)
        style = {"linestyle": "none", "color": shade, "marker": "o", "ms": 3.5, "alpha": 0.7}
        place = models.index(model) + 0.25 * np.linspace(-1, 1, len(own))
        cosines.plot(place, own["cosine"], **style)
        cosines.plot(place, own["cosine_shuffled"], **style | {"color": "0.6"})
        errors.plot(own["n_effective"], own["quadrature_error"], **style)
        recoveries.plot(own["recovery_predicted"], own["recovery"], label=label(model), **style)
    cosines.set_xticks(range(len(models)), [label(model) for model in models])
    cosines.set(ylim=(0, 1.08), ylabel="mean cos(ψ − φ$_a$ − φ$_b$)", title="(b) law and shuffles")
    _errors(errors, kept)
    _recoveries(recoveries, kept)
    note_diverged(figure, law)
    return figure


def _of_neurons(axis: Axes, neurons: pd.DataFrame, model: str, models: list[str]) -> None:
    """The neurons of one network's first seed."""
    own = neurons[neurons["model"] == model]
    own = own[own["seed"] == own["seed"].min()]
    order, shade = np.random.default_rng(0), colour(model, models)
    for _, of_key in own.groupby("frequency"):
        shuffled = order.permutation(of_key["output_phase"].to_numpy())
        where, style = of_key["input_phase"] / TURN, {"linewidths": 0, "alpha": 0.6}
        style["s"] = 2 + 300 * of_key["share_of_key"]
        axis.scatter(where, shuffled / TURN, color="0.8", zorder=1, **style)
        axis.scatter(where, of_key["output_phase"] / TURN, color=shade, zorder=2, **style)
    axis.set(xlabel="φ$_a$ + φ$_b$, turns", ylabel="ψ, turns", xlim=(0, 1), ylim=(0, 1))
    axis.set_title(f"(a) {label(model)}: {len(own)} neurons")
    axis.set_aspect("equal")


def _errors(axis: Axes, law: pd.DataFrame) -> None:
    sizes = np.geomspace(law["n_effective"].min(), law["n_effective"].max(), 50)
    random = np.sqrt(np.pi / 4 / sizes)
    axis.plot(sizes, random, "--", color=REFERENCE, linewidth=0.8)
    write(axis, "random phases", (sizes[-1], 1.1 * random[-1]), on="data", ha="right", va="bottom")
    axis.set(yscale="log", xlabel="neurons of a key, effective number")
    axis.set(ylabel="wave in ω$_k$(a+b+c), share", title="(c) what is left over")


def _recoveries(axis: Axes, law: pd.DataFrame) -> None:
    top = 1.05 * law[["recovery", "recovery_predicted"]].max().max()
    axis.plot([0, top], [0, top], "--", color=REFERENCE, linewidth=0.8)
    axis.set(xlabel="predicted from α$_k$", ylabel="recovery of a key's neurons")
    axis.set_title("(d) what it predicts")
    axis.set_aspect("equal")
    axis.legend(loc="upper left", frameon=False, fontsize=6.5)
