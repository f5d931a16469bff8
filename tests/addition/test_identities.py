"""The identities in logits where they are exact by construction; in networks: ``test_circuit``."""

import math

import pytest
import torch
from clock_network import planted_logits
from helpers import normal

from mechanics.addition.identities import clock_and_pizza_fve, distance_irrelevance
from mechanics.addition.pairs import all_pairs


@pytest.mark.parametrize(("p", "k"), [(13, 2), (59, 29)])
def test_q_of_an_exact_clock_and_an_exact_pizza(p, k):
    a, b = all_pairs(p).double().T
    sizes = (torch.pi * k / p * (a - b)).cos().abs()  # |cos ω_k(a − b)/2|
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
