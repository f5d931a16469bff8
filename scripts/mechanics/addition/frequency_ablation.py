"""Frequencies and neurons of final networks ablated and kept.

``ablation``: what removing each of the (p − 1)/2 frequencies does. ``parsimony``: how
much of the network its key frequencies are, how few frequencies and neurons answer as well, and how
an ideal formula would. Key frequencies are those of W_L in a network of one layer without
LayerNorm, in any other those of the logits (``sum_spectrum``).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mechanics.addition import ablation
from mechanics.addition.ablation import NAN, formula_answers, formula_over_all, in_sets, judge
from mechanics.addition.activations import addition_activations, neuron_logits
from mechanics.addition.fourier import (
    along_sum,
    frequencies,
    key_frequencies,
    sum_means,
    sum_spectrum,
)
from mechanics.addition.neurons import contributions, neuron_frequencies
from mechanics.addition.progress_measures import excluded_logits, key_spectrum, restricted_to
from mechanics.addition.splits import members
from mechanics.models.weights import Network
from mechanics.runtime.seeds import generator

SPLITS = ("all", "train", "validation")
N_DRAWS = 10  # random sets of frequencies beside the keys
N_ORDERS = 3  # random orders of the neurons
N_SIZES = 24  # numbers of neurons, spaced by their logarithm
N_SETS, LARGEST_SET = 1000, 10  # random sets of each size of the formula of equal amplitudes


def frequency_ablation(
    networks: list[Network], splits: dict[int, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """The tables ``ablation`` and ``parsimony``, from one pass through each network."""
    ablated, parsimony = [], []
    for network in networks:
        circuit, seed = open_circuit(network), network.seed
        ablated += [{"seed": seed} | row for row in ablate(circuit, members(splits[seed]))]
        parsimony += [{"seed": seed} | row for row in measure_parsimony(circuit, seed)]
    return {"ablation": pd.DataFrame(ablated), "parsimony": pd.DataFrame(parsimony)}


@dataclass(frozen=True)
class Circuit:
    """What the measures need of one replica. Without ``exact``, W_L does not give the logits."""

    p: int
    logits: Float[Tensor, "pair token"]
    hook_post: Float[Tensor, "pair d_mlp"]
    W_L: Float[Tensor, "d_mlp token"]
    frequency: Int[Tensor, " d_mlp"]  # of each neuron, 0: none
    keys: list[int]
    exact: bool


def open_circuit(network: Network) -> Circuit:
    own, weights, p = network.architecture, network.weights, network.settings["p"]
    activations = addition_activations(weights, own)
    logits, hook_post = activations.logits, activations.hook_post[-1]
    frequency = neuron_frequencies(hook_post, p).frequency.to(hook_post.device)
    keys = key_frequencies(key_spectrum(weights, own, logits))
    W_L = neuron_logits(weights, own)
    return Circuit(p, logits, hook_post, W_L, frequency, keys, own.reads_neurons_directly)


def ablate(circuit: Circuit, parts: dict[str, Bool[Tensor, "pair"]]) -> list[dict]:
    """A row per frequency, level and split (all, train, validation).

    Levels: ``logits`` (the directions of a + b removed from the logits), ``neurons`` (removed from
    every neuron: since their mean over the pairs is zero, a mean ablation; it differs by what
    attention writes to the logits directly), ``clusters`` (neurons of this frequency at their mean;
    ``n_neurons`` of them, nan for the other levels). Only ``logits`` for deep networks and with
    LayerNorm.
    """
    own = (circuit.logits, circuit.hook_post, circuit.W_L)
    full, written = judge(circuit.logits), circuit.hook_post @ circuit.W_L
    whole = {split: full.over(parts[split]) for split in SPLITS}
    rows = []
    for k in frequencies(circuit.p):
        levels = {"logits": (judge(excluded_logits(circuit.logits, [k])), math.nan)}
        if circuit.exact:
            without = circuit.logits - along_sum(written, [k], circuit.p)
            levels["neurons"] = judge(without), math.nan
            cluster = circuit.frequency == k
            without = judge(ablation.without_neurons(*own, cluster)) if cluster.any() else full
            levels["clusters"] = without, float(cluster.sum())
        rows += [
            {"split": split, "level": level, "frequency": k, "is_key": k in circuit.keys}
            | answers.over(parts[split])
            | {"n_neurons": n_neurons}
            | {f"{name}_full": value for name, value in whole[split].items()}
            for level, (answers, n_neurons) in levels.items()
            for split in SPLITS
        ]
    return rows


def measure_parsimony(circuit: Circuit, seed: int) -> list[dict]:
    """A row per kind, n and draw, over all pairs. ``n`` is a number of frequencies unless noted.

    - full: the network (n: all frequencies)
    - frequencies: the n most important of ``sum_spectrum`` kept; ideal: Σ α_k cos ω_k (a + b − c)
      of these with the fitted α_k
    - keys_only, without_keys: the keys kept or removed; random_frequencies,
      without_random_frequencies: as many others, ``N_DRAWS`` draws
    - rebuilt: the 2|K| directions of W_L alone; mlp_directions, null_space: the MLP projected on
      them or on the rest
    - neurons, neurons_random: n *neurons* kept, by contribution or in random order, rest at mean
    - equal_median, equal_best: formula of n equal α_k with the keys' Σ |α_k|, median and best of
      ``N_SETS`` random sets; equal_keys: of the keys themselves

    Kinds undefined for a network (no keys, no exact W_L) get one row of nan with n = 0.
    """
    return [*_by_frequency(circuit, seed), *_by_neuron(circuit, seed), *_formulas(circuit, seed)]


def row(kind: str, n: int, values: dict[str, float], draw: int = 0) -> dict:
    return {"kind": kind, "n": n, "draw": draw} | values


def _by_frequency(circuit: Circuit, seed: int) -> list[dict]:
    logits, keys, everything = circuit.logits, circuit.keys, list(frequencies(circuit.p))
    of_sums = sum_means(logits, circuit.p)

    def restricted(chosen: Sequence[int]) -> dict[str, float]:
        """``restricted_logits``, judged: they are the same for all pairs of one sum."""
        kept = restricted_to(of_sums, chosen)
        return judge(kept, torch.arange(circuit.p)).over_all()

    def excluded(chosen: Sequence[int]) -> dict[str, float]:
        return judge(excluded_logits(logits, chosen)).over_all()

    order = (sum_spectrum(logits).argsort(descending=True) + 1).tolist()
    amplitudes = ablation.fitted_amplitudes(logits)
    rows = [row("full", len(everything), judge(logits).over_all())]
    for n in range(len(order) + 1):
        rows.append(row("frequencies", n, restricted(order[:n])))
        kept = amplitudes.where(in_sets([order[:n]], circuit.p)[0], 0.0)
        rows.append(row("ideal", n, formula_over_all(*formula_answers(kept, circuit.p))))
    others = [k for k in everything if k not in keys]
    draws = ablation.random_sets(others, len(keys), N_DRAWS, generator("bootstrap", seed))
    for own, other, change in (
        ("keys_only", "random_frequencies", restricted),
        ("without_keys", "without_random_frequencies", excluded),
    ):
        if not keys:
            rows += [row(own, 0, NAN), row(other, 0, NAN)]
            continue
        rows.append(row(own, len(keys), change(keys)))
        for draw, chosen in enumerate(draws):
            rows.append(row(other, len(keys), change(chosen), draw))
    return rows


def _by_neuron(circuit: Circuit, seed: int) -> list[dict]:
    own, keys = (circuit.logits, circuit.hook_post, circuit.W_L), circuit.keys
    if not circuit.exact:
        kinds = ("rebuilt", "mlp_directions", "null_space", "neurons", "neurons_random")
        return [row(kind, 0, NAN) for kind in kinds]
    found = {"rebuilt": NAN, "mlp_directions": NAN, "null_space": NAN}
    if keys:
        inside, outside = (judge(part).over_all() for part in ablation.split_mlp(*own, keys))
        rebuilt = judge(ablation.rebuilt_logits(circuit.hook_post, circuit.W_L, keys))
        found = {"rebuilt": rebuilt.over_all(), "mlp_directions": inside, "null_space": outside}
    rows = [row(kind, len(keys), values) for kind, values in found.items()]
    d_mlp = len(circuit.W_L)
    sizes = [0, *np.unique(np.geomspace(1, d_mlp, N_SIZES).round().astype(int)).tolist()]
    stream = generator("bootstrap", seed, 1)
    ranked = contributions(circuit.hook_post, circuit.W_L).argsort(descending=True)
    orders = [("neurons", 0, ranked)]
    for draw in range(N_ORDERS):
        orders.append(("neurons_random", draw, torch.randperm(d_mlp, generator=stream)))
    for kind, draw, order in orders:
        kept_ones = ablation.with_first_neurons(*own, order.to(circuit.W_L.device), sizes)
        for n, kept in zip(sizes, kept_ones, strict=True):
            rows.append(row(kind, n, judge(kept).over_all(), draw))
    return rows


def _formulas(circuit: Circuit, seed: int) -> list[dict]:
    """Formulas of equal amplitudes, with the keys' total: what a choice of frequencies buys."""
    p, keys = circuit.p, circuit.keys
    if not keys:
        return [row(kind, 0, NAN) for kind in ("equal_median", "equal_best", "equal_keys")]
    amplitudes = ablation.fitted_amplitudes(circuit.logits)
    total = float(amplitudes.where(in_sets([keys], p)[0], 0.0).abs().sum())

    def answers(sets: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        members = in_sets(sets, p).double()
        return formula_answers(members * (total / members.sum(dim=1, keepdim=True)), p)

    loss, margin = answers([keys])
    rows = [row("equal_keys", len(keys), formula_over_all(loss[0], margin[0]))]
    stream = generator("bootstrap", seed, 2)
    for n in range(1, min(LARGEST_SET, len(frequencies(p))) + 1):
        loss, margin = answers(ablation.random_sets(frequencies(p), n, N_SETS, stream))
        rows.append(row("equal_median", n, formula_over_all(loss.median(), margin.median())))
        rows.append(row("equal_best", n, formula_over_all(loss.min(), margin.max())))
    return rows
