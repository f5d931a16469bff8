"""The identities in logits and networks where they are exact by construction."""

import math

import pytest
import torch
from clock_network import (
    CLOCK_THRESHOLDS,
    PIZZA_THRESHOLDS,
    clock_network,
    noise,
    planted_logits,
)

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


def test_planted_logits():
    p = 59
    logits = planted_logits(p, {4: 2.0, 29: -1.0, 11: 0.5}) + torch.arange(p * p)[:, None]
    found = logit_identities(logits, [4, 29])
    assert [row["frequency"] for row in found] == [4, 29]
    assert [row["alpha"] for row in found] == pytest.approx([2, -1], abs=1e-10)
    assert [row["fve"] for row in found] == pytest.approx([4 / 5.25, 1 / 5.25], abs=1e-10)
    assert not any("cos_r_squared" in row for row in found)  # no W_L given
    assert logit_identities(logits, []) == []


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


@pytest.mark.parametrize(("p", "k"), [(13, 2), (59, 29), (97, 48)])
def test_q_of_an_exact_clock_and_an_exact_pizza(p, k):
    sizes = length(p, k)
    shared = float(sizes.mean() ** 2 / sizes.square().mean())  # 8/π² = .81 for large p
    of_c_alone = 7 * torch.arange(p).double().sin() + torch.zeros(p * p, 1)
    wave = planted_logits(p, {k: 1.0})
    clock = wave + of_c_alone
    assert clock_and_pizza_fve(clock, k) == pytest.approx((1, shared), abs=1e-10)
    pizza = -2 * sizes[:, None] * wave + of_c_alone
    assert clock_and_pizza_fve(pizza, k) == pytest.approx((shared, 1), abs=1e-10)


def test_q_of_logits_without_variance_is_nan():
    assert all(math.isnan(q) for q in clock_and_pizza_fve(torch.ones(169, 13), 2))


def test_distance_irrelevance():
    p = 13
    a, b = all_pairs(p).T
    correct = (a + b) % p
    logits = torch.zeros(p * p, p, dtype=torch.float64)
    assert math.isnan(distance_irrelevance(logits))
    values = noise(p)
    logits[torch.arange(p * p), correct] = values[(a - b) % p]
    assert distance_irrelevance(logits) == pytest.approx(0, abs=1e-10)
    logits[torch.arange(p * p), correct] = values[correct]
    assert distance_irrelevance(logits) == pytest.approx(1, abs=1e-10)
    logits[torch.arange(p * p), correct] = values[correct] + values[(a - b) % p]
    assert distance_irrelevance(logits) == pytest.approx(0.5**0.5, abs=1e-10)
