"""The identities in logits and networks where they are exact by construction."""

import math

import pytest
import torch
from clock_network import PIZZA_THRESHOLDS, clock_network, memorised_logits

from mechanics.addition.activations import addition_activations, neuron_logits
from mechanics.addition.fourier import sum_spectrum
from mechanics.addition.identities import (
    attention_frequencies,
    clock_and_pizza_fve,
    clock_or_pizza,
    distance_irrelevance,
    logit_identities,
    w_l_outside,
)
from mechanics.addition.pairs import all_pairs, training_mask

KEYS = (4, 17)


def wave(p: int, k: int) -> torch.Tensor:
    """cos ω_k(a + b − c) for all pairs and c."""
    a, b = all_pairs(p).T
    return (2 * torch.pi * k / p * ((a + b)[:, None] - torch.arange(p)).double()).cos()


def length(p: int, k: int) -> torch.Tensor:
    """|cos ω_k(a − b)/2| for all pairs."""
    a, b = all_pairs(p).double().T
    return (torch.pi * k / p * (a - b)).cos().abs()


def test_planted_logits():
    p = 59
    logits = 2.0 * wave(p, 4) - wave(p, 29) + 0.5 * wave(p, 11) + torch.arange(p * p)[:, None]
    found = logit_identities(logits, [4, 29])
    assert [row.frequency for row in found] == [4, 29]
    assert [row.alpha for row in found] == pytest.approx([2, -1], abs=1e-10)
    assert [row.fve for row in found] == pytest.approx([4 / 5.25, 1 / 5.25], abs=1e-10)
    assert all(math.isnan(row.cos_r_squared) for row in found)  # no W_L given
    assert logit_identities(logits, []) == []


def test_alpha_and_fve_agree_on_any_logits():
    p = 13
    logits = memorised_logits(p, training_mask(p, 0.3, 0), seed=0)
    size = (logits - logits.mean(dim=1, keepdim=True)).square().sum()
    for row in logit_identities(logits, [1, 6]):
        assert row.fve == pytest.approx(float(row.alpha**2 * p**3 / 2 / size), rel=1e-10)
        assert row.fve == pytest.approx(float(sum_spectrum(logits)[row.frequency - 1]), rel=1e-10)


def test_neurons_of_a_pizza():
    """Its neurons hold |cos ω(a − b)/2| cos ω(a + b): R² is the length's mean² over mean square."""
    parameters, architecture = clock_network(59, KEYS, thresholds=PIZZA_THRESHOLDS)
    activations = addition_activations(parameters, architecture)
    W_L = neuron_logits(parameters, architecture)
    for row in logit_identities(activations.logits, list(KEYS), activations.hook_post[0], W_L):
        sizes = length(59, row.frequency)
        expected = float(sizes.mean() ** 2 / sizes.square().mean())
        assert row.cos_r_squared == pytest.approx(expected, abs=1e-10)
        assert row.sin_r_squared == pytest.approx(expected, abs=1e-10)
    assert distance_irrelevance(activations.logits) == pytest.approx(0, abs=1e-7)


def test_neurons_of_a_clock():
    parameters, architecture = clock_network(59, KEYS)
    activations = addition_activations(parameters, architecture)
    W_L = neuron_logits(parameters, architecture)
    found = logit_identities(activations.logits, list(KEYS), activations.hook_post[0], W_L)
    assert sum(row.fve for row in found) > 0.99
    assert all(min(row.cos_r_squared, row.sin_r_squared) > 0.98 for row in found)
    assert all(row.alpha > 0 for row in found)


def test_w_l_outside():
    parameters, architecture = clock_network(59, KEYS)
    W_L = neuron_logits(parameters, architecture)
    assert w_l_outside(W_L, list(KEYS)) == pytest.approx(0, abs=1e-10)
    assert w_l_outside(W_L, []) == pytest.approx(1, abs=1e-10)
    c = 2 * torch.pi / 13 * torch.arange(13, dtype=torch.float64)
    planted = torch.stack([3 * (2 * c).cos(), (5 * c).sin(), torch.full_like(c, 0.5**0.5)])
    assert w_l_outside(planted, [2]) == pytest.approx(2 / 11, abs=1e-10)  # 9/2 + 1/2 + 1/2


@pytest.mark.parametrize(("p", "k"), [(13, 2), (59, 29), (97, 48)])
def test_q_of_an_exact_clock_and_an_exact_pizza(p, k):
    sizes = length(p, k)
    shared = float(sizes.mean() ** 2 / sizes.square().mean())  # 8/π² = .81 for large p
    of_c_alone = 7 * torch.arange(p).double().sin() + torch.zeros(p * p, 1)
    clock = wave(p, k) + of_c_alone
    assert clock_and_pizza_fve(clock, k) == pytest.approx((1, shared), abs=1e-10)
    pizza = -2 * sizes[:, None] * wave(p, k) + of_c_alone
    assert clock_and_pizza_fve(pizza, k) == pytest.approx((shared, 1), abs=1e-10)


def test_q_of_logits_without_variance_is_nan():
    assert all(math.isnan(q) for q in clock_and_pizza_fve(torch.ones(169, 13), 2))


def test_clock_or_pizza_of_networks():
    for thresholds, kind in ((PIZZA_THRESHOLDS, "q_pizza"), (None, "q_clock")):
        changes = {} if thresholds is None else {"thresholds": thresholds}
        parameters, architecture = clock_network(59, KEYS, **changes)
        before = parameters["embed.W_E"].clone()
        found = clock_or_pizza(parameters, architecture, list(KEYS))
        assert [row.frequency for row in found] == list(KEYS)
        assert torch.equal(parameters["embed.W_E"], before)
        for row in found:
            other = row.q_clock if kind == "q_pizza" else row.q_pizza
            assert getattr(row, kind) > 0.98
            assert other < 0.9


def test_distance_irrelevance():
    p = 13
    a, b = all_pairs(p).T
    correct = (a + b) % p
    logits = torch.zeros(p * p, p, dtype=torch.float64)
    assert math.isnan(distance_irrelevance(logits))
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(p, dtype=torch.float64, generator=generator)
    logits[torch.arange(p * p), correct] = values[(a - b) % p]
    assert distance_irrelevance(logits) == pytest.approx(0, abs=1e-10)
    logits[torch.arange(p * p), correct] = values[correct]
    assert distance_irrelevance(logits) == pytest.approx(1, abs=1e-10)
    logits[torch.arange(p * p), correct] = values[correct] + values[(a - b) % p]
    assert distance_irrelevance(logits) == pytest.approx(0.5**0.5, abs=1e-10)


def test_attention_frequencies():
    p = 13
    a, b = (2 * torch.pi / p * all_pairs(p).double()).T
    to_a = torch.stack([0.4 + 0.1 * (2 * (a - b)).cos(), 0.4 + 0.3 * a.cos() + 0.1 * (5 * b).sin()])
    pattern = torch.stack([to_a.T, torch.zeros(p * p, 2), 1 - to_a.T], dim=2)
    found = attention_frequencies(pattern, p)
    assert found.frequency.tolist() == [2, 1]
    assert found.fve.tolist() == pytest.approx([1, 0.9], abs=1e-10)
