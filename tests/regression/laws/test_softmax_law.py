"""The optimum of softmax attention: against its smoothers and its closed forms."""

import pytest
import torch
from monte_carlo import assert_risk, draw_prompts

from mechanics.regression.algorithms import kernel_smoother
from mechanics.regression.laws import risk
from mechanics.regression.laws.softmax_law import optimal_softmax, softmax_draws, softmax_head_risk

D = 10


def draws(k, n_prompts=20_000):
    return softmax_draws(D, k, n_prompts, torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("n_heads", "smoother"),
    [(1, kernel_smoother.dot_product_smoother), (2, kernel_smoother.two_head_smoother)],
)
def test_risk_of_softmax_heads(n_heads, smoother):
    prompts = draw_prompts(D, 8, n_prompts=20_000, seed=1)
    expected = softmax_head_risk(0.3, 1.2, [8], n_heads, draws(12, 50_000))
    assert_risk(smoother(prompts, 0.3, 1.2), prompts, expected)


def test_one_head_pays_a_factor_e_in_context_length():
    points = draws(20)
    omega, scale = optimal_softmax([20], 1, points)
    found = softmax_head_risk(omega, scale, [20], 1, points)
    assert found == pytest.approx(risk.softmax_risk(D, 20), rel=0.02)
    assert 1 < omega * D**0.5 < 2


def test_two_heads_are_a_debiased_step():
    points = draws(20)
    omega, scale = optimal_softmax([20], 2, points)
    found = softmax_head_risk(omega, scale, [20], 2, points)
    assert found == pytest.approx(11 / 30, rel=0.02)


def test_two_heads_of_small_omega_have_the_debiased_law_of_a_mixture():
    lengths, points = [5, 15, 40], draws(40)
    step = risk.optimal_debiased_step_size(D, lengths)
    found = softmax_head_risk(1e-3, step / 2e-3, lengths, 2, points)
    expected = sum(risk.debiased_risk(step, D, k) for k in lengths) / len(lengths)
    assert found == pytest.approx(expected, rel=0.01)


def test_a_mixture_costs_more_than_its_lengths():
    lengths, points = [5, 50], draws(50, 5_000)
    mixed = softmax_head_risk(*optimal_softmax(lengths, 1, points), lengths, 1, points)
    own = [softmax_head_risk(*optimal_softmax([k], 1, points), [k], 1, points) for k in lengths]
    assert mixed > sum(own) / 2


def test_lengths_beyond_the_draws_are_refused():
    with pytest.raises(ValueError, match="between 1 and 5"):
        softmax_head_risk(0.3, 1.0, [6], 1, draws(5, 2))


def test_a_third_head_is_refused():
    with pytest.raises(ValueError, match="1 or 2 heads"):
        softmax_head_risk(0.3, 1.0, [5], 3, draws(5, 2))
