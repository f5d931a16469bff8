"""The laws of one layer, each against Monte Carlo or a derivation of its own."""

import pytest
import torch
from helpers import normal
from monte_carlo import assert_risk, assert_within_error, draw_prompts

from mechanics.models.prompts import sample_prompts
from mechanics.regression.algorithms import gradient_descent, preconditioned_step
from mechanics.regression.laws import risk

D = 5
COVARIANCE = torch.tensor([[2.0, 0.5, 0.0], [0.5, 1.0, 0.2], [0.0, 0.2, 0.3]], dtype=torch.float64)


@pytest.mark.parametrize(("k", "noise"), [(1, 0.7), (8, 0.0), (40, 0.7)])
def test_risk_of_one_step(k, noise):
    prompts = draw_prompts(D, k, n_prompts=20_000, noise=noise)
    expected = risk.one_step_risk(0.4, D, k, noise)
    assert_risk(gradient_descent(prompts, [0.4]), prompts, expected)


@pytest.mark.parametrize("zero_tokens", [0, 11])
@pytest.mark.parametrize("noise", [0.0, 0.7])
@pytest.mark.parametrize("lengths", [[20], [5, 9, 40]])
def test_the_optimal_step_is_a_minimum_of_the_mean_risk(lengths, noise, zero_tokens):
    def mean_risk(size):
        own = [risk.one_step_risk(size * k / (k + zero_tokens), 10, k, noise) for k in lengths]
        return sum(own) / len(lengths)

    best = risk.optimal_step_size(10, lengths, noise, zero_tokens)
    assert mean_risk(best) < min(mean_risk(best - 1e-3), mean_risk(best + 1e-3))
    if not zero_tokens:
        assert mean_risk(best) == pytest.approx(1 - best, abs=1e-12)
    elif not noise:
        assert best == pytest.approx(1)


def test_risk_of_a_preconditioned_step():
    prompts = draw_prompts(3, 6, n_prompts=20_000, covariance=COVARIANCE, noise=0.4)
    matrix = torch.tensor([[0.5, 0.1, 0.0], [0.0, 0.4, 0.1], [0.2, 0.0, 0.9]]).double()
    expected = risk.preconditioned_error(matrix, 6, noise=0.4, covariance=COVARIANCE)
    assert_risk(preconditioned_step(prompts, matrix), prompts, expected, power=1.0)


def test_the_best_step_on_few_tasks_has_its_risk_and_is_a_minimum():
    tasks = normal(2, D)
    moment = tasks.T @ tasks / 2
    prompts = sample_prompts("prompts", 0, 0, 20_000, 6, 2, D, 0.4, tasks.float()).double()
    matrix = risk.optimal_task_preconditioner(moment, [4, 9], noise=0.4)
    expected = risk.preconditioned_error(matrix, 6, noise=0.4, moment=moment)
    assert_risk(preconditioned_step(prompts, matrix), prompts, expected, power=1.0)
    change = 0.01 * normal(D, D, seed=1)
    least, more, less = (
        sum(risk.preconditioned_error(own, k, noise=0.4, moment=moment) for k in (4, 9))
        for own in (matrix, matrix + change, matrix - change)
    )
    assert more == pytest.approx(less, abs=1e-12) and more > least


@pytest.mark.parametrize("k", [10, 40])
def test_norm_of_the_gradient_and_its_cosine_with_w(k):
    """E‖G‖² = (k + d + 1)/k · ‖w‖², from which the laws of one step follow."""
    x = torch.randn(20_000, k, 10, generator=torch.Generator().manual_seed(0))
    gradient = (x.mT @ x[:, :, 0, None])[..., 0] / k  # w = e_1: only its direction matters
    assert_within_error(gradient.square().sum(-1), (k + 10 + 1) / k)
    cosine = (gradient[:, 0] / gradient.norm(dim=-1)).mean().item()
    assert risk.gradient_cosine(10, k) == pytest.approx(cosine, rel=0.04)
    assert risk.gradient_cosine(10, k) < cosine


def test_the_variance_of_least_squares_is_infinite_around_k_equal_to_d():
    infinite = [k for k in range(1, 20) if risk.least_squares_risk(6, k, 0.1) == torch.inf]
    assert infinite == [5, 6, 7]
