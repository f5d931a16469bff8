"""The optimum of softmax attention: against its smoothers and its closed forms."""

import math

import pytest
import torch
from monte_carlo import assert_risk, draw_prompts

from mechanics.regression.algorithms import dot_product_smoother, two_head_smoother
from mechanics.regression.laws.softmax_law import optimal_softmax, softmax_draws, softmax_head_risk

D = 10


def draws(k, n_prompts=20_000):
    return softmax_draws(D, k, n_prompts, torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("n_heads", "smoother"), [(1, dot_product_smoother), (2, two_head_smoother)]
)
def test_risk_of_softmax_heads(n_heads, smoother):
    prompts = draw_prompts(D, 8, n_prompts=20_000, seed=1)
    expected = softmax_head_risk(0.3, 1.2, [8], n_heads, draws(12, 50_000))
    assert_risk(smoother(prompts, 0.3, 1.2), prompts, expected)


def test_one_head_pays_a_factor_e_in_context_length_and_two_are_a_debiased_step():
    """To leading order in d one head has 1/(1 + k/(e·d)), near ω = d^-½."""
    points = draws(20)
    for n_heads, law in ((1, 1 / (1 + 20 / (math.e * D))), (2, 11 / 30)):
        omega, scale = optimal_softmax([20], n_heads, points)
        assert softmax_head_risk(omega, scale, [20], n_heads, points) == pytest.approx(
            law, rel=0.02
        )
        assert n_heads == 2 or 1 < omega * D**0.5 < 2


def test_two_heads_that_see_one_point_cancel():
    omega, scale = optimal_softmax([1], 2, draws(1, 10))
    assert scale == 0 and softmax_head_risk(omega, scale, [1], 2, draws(1, 10)) == 1


def test_a_mixture_costs_more_than_its_lengths():
    lengths, points = [5, 50], draws(50, 5_000)
    mixed = softmax_head_risk(*optimal_softmax(lengths, 1, points), lengths, 1, points)
    own = [softmax_head_risk(*optimal_softmax([k], 1, points), [k], 1, points) for k in lengths]
    assert mixed > sum(own) / 2
