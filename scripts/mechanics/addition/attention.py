"""How the heads of an addition network divide their attention at "=", and by which frequency.

For every layer and head of the final weights of every seed: the mean attention to a, b and "=" over
all pairs, and the frequency that explains most of what varies. Maps over (a, b) are written for
the first layer of the first sound seed.
"""

import math

import pandas as pd
import torch

from mechanics.addition.activations import addition_activations
from mechanics.addition.neurons import neuron_frequencies
from mechanics.addition.pairs import all_pairs
from mechanics.models.weights import Network

POSITIONS = ("a", "b", "=")
EVEN = 1e-6  # standard deviation over mean that float32, in which networks train, hardly resolves


def attention(networks: list[Network], splits: dict[int, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """``attention``, a row per seed, layer, head and position, and ``attention_maps``."""
    sound = [network.seed for network in networks if network.status != "diverged"]
    rows, maps = [], []
    for network in networks:
        seed, p = network.seed, network.settings["p"]
        patterns = addition_activations(network.weights, network.architecture).pattern
        for layer, pattern in enumerate(patterns):
            rows += [{"seed": seed, "layer": layer, **row} for row in describe(pattern.cpu())]
        if sound[:1] == [seed]:
            maps = attention_maps(patterns[0].cpu(), p).assign(seed=seed, layer=0)
    columns = ["seed", "layer", "head", "a", "b", "weight"]
    return {"attention": pd.DataFrame(rows), "attention_maps": pd.DataFrame(maps, columns=columns)}


def describe(pattern: torch.Tensor) -> list[dict]:
    """Mean, best frequency and its fve of every head's attention to each position.

    ``pattern`` [pair, head, 3] are the weights at "=". Where they vary by less than ``EVEN`` there
    is nothing to explain: frequency is 0, fve nan.
    """
    p = round(len(pattern) ** 0.5)
    rows = []
    for index, position in enumerate(POSITIONS):
        weights = pattern[..., index]
        varying = neuron_frequencies(weights, p)
        even = weights.std(dim=0) < EVEN * weights.mean(dim=0).abs()
        rows += [
            {
                "head": head,
                "position": position,
                "mean": float(weights[:, head].mean()),
                "std": float(weights[:, head].std()),
                "frequency": 0 if even[head] else int(varying.frequency[head]),
                "fve": math.nan if even[head] else float(varying.fve[head]),
            }
            for head in range(weights.shape[1])
        ]
    return rows


def attention_maps(pattern: torch.Tensor, p: int) -> pd.DataFrame:
    """Attention at "=" to a, for every head and pair."""
    pairs = all_pairs(p)
    return pd.concat(
        pd.DataFrame(
            {"head": head, "a": pairs[:, 0], "b": pairs[:, 1], "weight": pattern[:, head, 0]}
        )
        for head in range(pattern.shape[1])
    )
