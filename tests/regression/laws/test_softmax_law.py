"""The optimum of softmax attention, against its closed forms."""

import math

import pytest
import torch

from mechanics.regression.laws.softmax_law import (
    SoftmaxDraws,
    optimal_softmax,
    softmax_draws,
    softmax_head_risk,
)

D = 10


def draws(k, n_prompts=20_000):
    return softmax_draws(D, k, n_prompts, torch.Generator().manual_seed(0))


def test_one_head_pays_a_factor_e_in_context_length_and_two_are_a_debiased_step():
    """To leading order in d one head has 1/(1 + k/(e·d)), near ω = d^-½."""
    points = draws(20)
    for n_heads, law in ((1, 1 / (1 + 20 / (math.e * D))), (2, 11 / 30)):
        omega, scale = optimal_softmax([20], n_heads, points)
        found = softmax_head_risk(omega, scale, [20], n_heads, points)
        assert found == pytest.approx(law, rel=0.02)
        assert n_heads == 2 or 1 < omega * D**0.5 < 2


def test_two_heads_that_see_one_point_cancel():
    omega, scale = optimal_softmax([1], 2, draws(1, 10))
    assert scale == 0 and softmax_head_risk(omega, scale, [1], 2, draws(1, 10)) == 1


def test_a_shorter_context_is_the_beginning_of_a_longer_one():
    points = draws(12, 50)
    shorter = SoftmaxDraws(points.x[:, :8], points.x_test)
    found, expected = (softmax_head_risk(0.3, 1.2, [8], 2, own) for own in (points, shorter))
    assert found == pytest.approx(expected)


def test_a_mixture_costs_more_than_its_lengths():
    lengths, points = [5, 50], draws(50, 5_000)
    mixed = softmax_head_risk(*optimal_softmax(lengths, 1, points), lengths, 1, points)
    own = [softmax_head_risk(*optimal_softmax([k], 1, points), [k], 1, points) for k in lengths]
    assert mixed > sum(own) / 2
