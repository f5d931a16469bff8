"""Frequencies of final networks removed and kept.

``ablation``: what removing each of the (p − 1)/2 frequencies does. ``parsimony``: how much of the
network its key frequencies are, how few frequencies answer as well, and how an ideal formula would.
Key frequencies are those of W_L in a network of one layer without LayerNorm, in any other those of
the logits (``key_spectrum``).
"""

from collections.abc import Sequence

import pandas as pd
import torch
from jaxtyping import Bool
from torch import Tensor
from torch.nn.functional import one_hot

from mechanics.addition.ablation import (
    NAN,
    excluded_logits,
    formula_answers,
    formula_over_all,
    judge,
    key_spectrum,
    random_sets,
)
from mechanics.addition.activations import addition_activations
from mechanics.addition.fourier import (
    Logits,
    fitted_amplitudes,
    frequencies,
    key_frequencies,
    project,
    sum_means,
    sum_spectrum,
)
from mechanics.addition.splits import members
from mechanics.models.weights import Network
from mechanics.runtime.seeds import generator

SPLITS = ("all", "train", "validation")
N_DRAWS = 10  # random sets of frequencies beside the keys
ABOUT_KEYS = ("keys_only", "random_frequencies", "without_keys", "without_random_frequencies")
ABOUT_KEYS += ("equal_best",)
N_SETS, LARGEST_SET = 1000, 10  # random sets of each size of the formula of equal amplitudes


def measure(network: Network, split: pd.DataFrame | None) -> dict[str, list[dict]]:
    """The rows of ``ablation`` and ``parsimony``."""
    logits = addition_activations(network.weights, network.architecture).logits
    keys = key_frequencies(key_spectrum(network, logits))
    return {
        "ablation": ablate(logits, keys, members(split, len(logits))),
        "parsimony": measure_parsimony(logits, keys, network.seed),
    }


def ablate(logits: Logits, keys: list[int], parts: dict[str, Bool[Tensor, "pair"]]) -> list[dict]:
    """A row per frequency and split: its directions of a + b removed from the logits (level)."""
    full, rows = judge(logits), []
    for k in frequencies(logits.shape[1]):
        without = judge(excluded_logits(logits, [k]))
        rows += [
            {"split": split, "level": "logits", "frequency": k, "is_key": k in keys}
            | without.over(own)
            | {"loss_full": full.over(own)["loss"]}
            for split, own in parts.items()
            if split in SPLITS
        ]
    return rows


def measure_parsimony(logits: Logits, keys: list[int], seed: int) -> list[dict]:
    """A row per kind, number n of frequencies and draw, over all pairs.

    - full: the network (n: all frequencies)
    - frequencies: the n most important of ``sum_spectrum`` kept; ideal: Σ α_k cos ω_k (a + b − c)
      of these with the fitted α_k
    - keys_only, without_keys: the keys kept or removed; random_frequencies,
      without_random_frequencies: as many others, ``N_DRAWS`` draws
    - equal_best: formula of n equal α_k with the keys' Σ |α_k|, the best of ``N_SETS`` random sets

    Without keys, the kinds about them are one row of nan each, with n = 0.
    """
    p, of_sums = logits.shape[1], sum_means(logits, logits.shape[1])
    every, amplitudes = list(frequencies(p)), fitted_amplitudes(logits)

    def restricted(chosen: Sequence[int]) -> dict[str, float]:
        """``restricted_logits``, judged: they are the same for all pairs of one sum."""
        kept = project(of_sums, chosen) + of_sums.mean(dim=0)
        return judge(kept, torch.arange(p)).over_all()

    def excluded(chosen: Sequence[int]) -> dict[str, float]:
        return judge(excluded_logits(logits, chosen)).over_all()

    rows = [row("full", len(every), judge(logits).over_all())]
    order, kept = sum_spectrum(logits).argsort(descending=True), torch.zeros_like(amplitudes)
    for n in range(len(every) + 1):
        kept[order[:n]] = amplitudes[order[:n]]
        rows.append(row("frequencies", n, restricted((order[:n] + 1).tolist())))
        rows.append(row("ideal", n, formula_over_all(*formula_answers(kept, p))))
    if not keys:
        return rows + [row(kind, 0, NAN) for kind in ABOUT_KEYS]
    others = [k for k in every if k not in keys]
    draws = random_sets(others, len(keys), N_DRAWS, generator("bootstrap", seed))
    for own, other, change in (
        ("keys_only", "random_frequencies", restricted),
        ("without_keys", "without_random_frequencies", excluded),
    ):
        rows.append(row(own, len(keys), change(keys)))
        rows += [row(other, len(keys), change(some), draw) for draw, some in enumerate(draws)]
    total, stream = amplitudes[[k - 1 for k in keys]].abs().sum(), generator("bootstrap", seed, 2)
    for n in range(1, min(LARGEST_SET, len(every)) + 1):
        sets = torch.tensor(random_sets(every, n, N_SETS, stream))
        chosen = one_hot(sets - 1, len(every)).sum(dim=1)  # set frequency
        loss, margin = formula_answers(total / n * chosen, p)
        rows.append(row("equal_best", n, formula_over_all(loss.min(), margin.max())))
    return rows


def row(kind: str, n: int, values: dict[str, float], draw: int = 0) -> dict:
    return {"kind": kind, "n": n, "draw": draw} | values
