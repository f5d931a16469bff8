"""How the heads of an addition network divide their attention at "=", and by which frequency."""

import math

import torch

from mechanics.addition.activations import addition_activations
from mechanics.addition.neurons import neuron_frequencies
from mechanics.models.weights import Network

POSITIONS = ("a", "b", "=")
EVEN = 1e-6  # standard deviation over mean that float32, in which networks train, hardly resolves


def measure(network: Network) -> dict[str, list[dict]]:
    """``attention``: a row per layer, head and position."""
    patterns = addition_activations(network.weights, network.architecture).pattern
    rows = [{"layer": i} | row for i, own in enumerate(patterns) for row in describe(own.cpu())]
    return {"attention": rows}


def describe(pattern: torch.Tensor) -> list[dict]:
    """Mean, best frequency and its fve of every head's attention [pair, head, 3] to each position.

    Where it varies by less than ``EVEN`` there is nothing to explain: frequency is 0, fve nan.
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
