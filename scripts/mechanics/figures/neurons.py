"""What each neuron does, and what it causes."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from mechanics.figures import panels, style
from mechanics.tables.frames import sound

CLUSTERS = [  # none that a network of one layer has in the other panels
    style.OTHERS[0],
    *(
        style.COLOURS[m]
        for m in ("softmax_L1_2heads", "linear_L3", "deep_L6", "linear_L2", "linear_L6")
    ),
    *(style.OTHERS[2], style.COLOURS["linear_L1_axis"]),
]
OTHER = "0.6"  # neurons of no key frequency
PARTS = {"head": "head", "position": "position", "mlp": "MLP", "attention": "attention"}


def neurons(law: pd.DataFrame, patched: pd.DataFrame, groups: pd.DataFrame) -> plt.Figure:
    """``law``: phase_law, a mark per network, seed and key; ``patched``: neuron_patching.

    ``groups``: patching_groups. Patching is shown of ``shown_model``.
    """
    kept = style.drawable(law).dropna(subset="cosine")
    answering = sound(groups).dropna(subset="recovery")
    if kept.empty or answering.empty:
        raise style.NothingToDraw("no network of one layer has key frequencies that could be read")
    models = panels.models_of(kept)
    figure, axes = panels.rows_of_panels(2, 3, 2.1, 0.2)
    for place, model in enumerate(models):
        own, shade = kept[kept["model"] == model], style.colour(model, models)
        look = {"linestyle": "none", "color": shade, "marker": "o", "ms": 3, "alpha": 0.7}
        at = place + 0.25 * np.linspace(-1, 1, len(own))
        axes[0, 0].plot(at, own["cosine"], **look)
        axes[0, 0].plot(at, own["cosine_shuffled"], **look | {"color": OTHER})
        axes[0, 1].plot(own["n_effective"], own["quadrature_error"], **look)
        axes[0, 2].plot(own["recovery_predicted"], own["recovery"], **look)
    _law(axes[0], kept, models)
    model = panels.shown_model(answering)
    own, of_neurons = (frame[frame["model"] == model] for frame in (answering, sound(patched)))
    clean = own[own["direction"] == "denoising"]
    _ranked(axes[1, 0], of_neurons.dropna(subset="recovery"), clean)
    shade = style.colour(model, panels.models_of(groups))
    _sets(axes[1, 1], clean, shade)
    _parts(axes[1, 2], clean, shade)
    style.letter_panels(axes.flat)
    style.note_diverged(figure, groups)
    return figure


def _law(axes: np.ndarray, law: pd.DataFrame, models: list[str]) -> None:
    cosines, errors, recoveries = axes
    cosines.set_xticks(range(len(models)), [style.label(model) for model in models])
    cosines.set(ylim=(0, 1.08), ylabel="mean cos(ψ − φ$_a$ − φ$_b$)")
    least, chance = law["cosine"].min(), law["cosine_shuffled"].max()
    cosines.set_title(f"phases add: ≥ {least:.3f}, shuffled ≤ {chance:.2f}")
    sizes = np.geomspace(law["n_effective"].min(), law["n_effective"].max(), 50)
    random = np.sqrt(np.pi / 4 / sizes)
    errors.plot(sizes, random, "--", color=style.REFERENCE, linewidth=0.8)
    panels.write(errors, "random phases", (sizes[-1], random[-1]), (0, 6), on="data", ha="right")
    errors.set(yscale="log", xlabel="neurons of a key, effective number")
    below = (law["quadrature_error"] < np.sqrt(np.pi / 4 / law["n_effective"])).mean()
    errors.set_title(f"{below:.0%} leave less than random phases")
    errors.set_ylabel("wave in ω$_k$(a+b+c), share")
    both = law[["recovery_predicted", "recovery"]]
    top = 1.05 * both.max().max()
    recoveries.plot([0, top], [0, top], "--", color=style.REFERENCE, linewidth=0.8)
    r = both.corr().iloc[0, 1] if len(both.dropna()) > 2 else np.nan
    recoveries.set_title(f"prediction and patching: r = {r:.3f}" if np.isfinite(r) else "patching")
    recoveries.set(xlabel="recovery predicted from α$_k$", ylabel="recovery of a key's neurons")


def _ranked(axis: plt.Axes, neurons: pd.DataFrame, groups: pd.DataFrame) -> None:
    """Neurons of the first seed, largest of its cluster first, a colour for each cluster."""
    if neurons.empty:
        return
    seed = neurons["seed"].iloc[0]
    own = neurons[neurons["seed"] == seed].sort_values("recovery", ascending=False)
    clusters = groups[(groups["seed"] == seed) & (groups["kind"] == "cluster")]
    keys = list(clusters["name"].unique())
    shades = {name: CLUSTERS[i % len(CLUSTERS)] for i, name in enumerate(keys)} | {"other": OTHER}
    cluster = own["frequency"].astype(str).where(own["frequency"].astype(str).isin(keys), "other")
    axis.axhline(0, color=style.REFERENCE, linewidth=0.6)
    for place, name in enumerate(name for name in keys if (cluster == name).any()):
        values = 100 * own.loc[cluster == name, "recovery"]
        axis.plot(range(1, len(values) + 1), values, ".", color=shades[name], markersize=2.5)
        words = f"k = {name}: {len(values)} neurons" if name != "other" else f"other: {len(values)}"
        at, corner = (0.97, 0.97 - 0.09 * place), {"ha": "right", "va": "top"}
        panels.write(axis, words, at, color=shades[name], **corner)
    largest = 100 * own["recovery"].max()
    axis.set_title(f"one neuron: at most {largest:.1f} %, seed {seed}")
    axis.set(xlabel="neuron, largest of its cluster first", ylabel="recovery, %")


def _sets(axis: plt.Axes, groups: pd.DataFrame, shade: str) -> None:
    """All seeds: the n largest neurons, and random orders."""
    shares = groups.assign(recovery=100 * groups["recovery"])
    top, random = (shares[shares["kind"] == kind] for kind in ("top", "random"))
    random = random.assign(order=random["name"].str.rsplit(" ", n=1).str[-1])
    for _, own in random.sort_values("n_neurons").groupby(["seed", "order"]):
        axis.plot(own["n_neurons"], own["recovery"], color="0.75", linewidth=0.5)
    axis.set(xlabel="neurons patched together", ylabel="recovery, %", title="sets of neurons")
    if top.empty:
        return
    panels.each_seed(axis, top, "n_neurons", "recovery", color=shade)
    n = top["n_neurons"].max()
    total = top[top["n_neurons"] == n].groupby("seed")["recovery"].median()
    axis.plot([0, n], [0, total.median()], color=style.REFERENCE, linestyle="--", linewidth=0.9)
    share = top["recovery"] / top["seed"].map(total)
    half = top[share >= 0.5].groupby("seed")["n_neurons"].min().max()
    for place, words, own_shade in ((0.16, "largest first", shade), (0.05, "random", "0.5")):
        panels.write(axis, words, (0.98, place), color=own_shade, ha="right")
    axis.set_title(f"half by ≤ {half:.0f} of {n}, {panels.in_seeds(groups)}")


def _parts(axis: plt.Axes, groups: pd.DataFrame, shade: str) -> None:
    """A row per part, a mark per seed."""
    rows = [
        (f"{word} {name.removeprefix('L0').strip()}".strip() if kind != "mlp" else word, own)
        for kind, word in PARTS.items()
        for name, own in groups[groups["kind"] == kind].groupby("name", sort=False)
    ]
    for height, (_, own) in enumerate(rows):
        axis.plot(100 * own["recovery"], np.full(len(own), height), "o", color=shade, ms=3)
    axis.set_yticks(range(len(rows)), [name for name, _ in rows])
    axis.set(xlabel="recovery, %", ylim=(len(rows) - 0.5, -0.5))
    axis.grid(axis="y", color="0.92", linewidth=0.5)
    mlp = groups.loc[groups["kind"] == "mlp", "recovery"]
    axis.set_title(f"the MLP carries ≥ {mlp.min():.0%}" if len(mlp) else "parts")
