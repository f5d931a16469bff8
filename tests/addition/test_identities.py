"""The identities in logits and networks where they are exact by construction."""

import math

import pytest
import torch
from clock_network import CLOCK_THRESHOLDS, PIZZA_THRESHOLDS, clock_network, planted_logits
from helpers import normal

from mechanics.addition.activations import addition_activations, neuron_logits
from mechanics.addition.identities import (
    clock_and_pizza_fve,
    clock_or_pizza,
    distance_irrelevance,
    logit_identities,
)
from mechanics.addition.pairs import all_pairs

KEYS = (4, 17)


def length(p: int, k: int) -> torch.Tensor:
    """|cos ω_k(a − b)/2| for all pairs."""
    a, b = all_pairs(p).double().T
    return (torch.pi * k / p * (a - b)).cos().abs()


@pytest.mark.parametrize("kind", ["clock", "pizza"])
def test_networks_built_by_hand(kind):
    """The neurons of a pizza hold |cos ω(a − b)/2| cos ω(a + b): R² is the length's mean² over mean
    square."""
    thresholds = PIZZA_THRESHOLDS if kind == "pizza" else CLOCK_THRESHOLDS
    parameters, architecture = clock_network(59, KEYS, thresholds=thresholds)
    activations = addition_activations(parameters, architecture)
    W_L = neuron_logits(parameters, architecture)
    found = logit_identities(activations.logits, list(KEYS), activations.hook_post[0], W_L)
    for row in found:
        sizes = length(59, row["frequency"])
        expected = float(sizes.mean() ** 2 / sizes.square().mean()) if kind == "pizza" else 1
        within = 1e-10 if kind == "pizza" else 0.02
        assert row["cos_r_squared"] == pytest.approx(expected, abs=within)
        assert row["sin_r_squared"] == pytest.approx(expected, abs=within)
    if kind == "pizza":
        assert distance_irrelevance(activations.logits) == pytest.approx(0, abs=1e-7)
    before = parameters["embed.W_E"].clone()
    clock_or_pizza(parameters, architecture, list(KEYS))
    assert torch.equal(parameters["embed.W_E"], before)


@pytest.mark.parametrize(("p", "k"), [(13, 2), (59, 29)])
def test_q_of_an_exact_clock_and_an_exact_pizza(p, k):
    sizes = length(p, k)
    shared = float(sizes.mean() ** 2 / sizes.square().mean())  # 8/π² = .81 for large p
    of_c_alone = 7 * torch.arange(p).double().sin() + torch.zeros(p * p, 1)
    clock = planted_logits(p, {k: 1.0})
    pizza = -2 * sizes[:, None] * clock
    for wave, expected in ((clock, (1, shared)), (pizza, (shared, 1)), (0, (math.nan,) * 2)):
        found = clock_and_pizza_fve(wave + of_c_alone, k)
        assert found == pytest.approx(expected, abs=1e-10, nan_ok=True)


def test_distance_irrelevance():
    p = 13
    a, b = all_pairs(p).T
    correct, values = (a + b) % p, normal(p)
    of_sum, of_distance = values[correct], values[(a - b) % p]
    for right, expected in (
        (0 * of_sum, math.nan),
        (of_distance, 0),
        (of_sum, 1),
        (of_sum + of_distance, 0.5**0.5),
    ):
        logits = torch.zeros(p * p, p, dtype=torch.float64)
        logits[torch.arange(p * p), correct] = right
        found = distance_irrelevance(logits)
        assert found == pytest.approx(expected, abs=1e-10, nan_ok=True)
