"""The laws of one layer, each against Monte Carlo or a derivation of its own."""

import pytest
import torch
from monte_carlo import assert_risk, assert_within_error, draw_prompts

from mechanics.models.prompts import Prompts, sample_prompts
from mechanics.regression.algorithms.gradient_descent import one_step, preconditioned_step
from mechanics.regression.laws import risk

D = 5
COVARIANCE = torch.tensor([[2.0, 0.5, 0.0], [0.5, 1.0, 0.2], [0.0, 0.2, 0.3]], dtype=torch.float64)


@pytest.mark.parametrize("k", [1, 8, 40])
@pytest.mark.parametrize("noise", [0.0, 0.7])
def test_risk_of_one_step(k, noise):
    prompts = draw_prompts(D, k, n_prompts=20_000, noise=noise)
    assert_risk(one_step(prompts, 0.4), prompts, risk.one_step_risk(0.4, D, k, noise))


def test_risk_of_one_step_with_inputs_of_another_scale():
    covariance = 1.5**2 * torch.eye(D, dtype=torch.float64)
    prompts = draw_prompts(D, 8, n_prompts=20_000, noise=0.7, covariance=covariance)
    expected = risk.one_step_risk(0.3, D, 8, noise=0.7, input_scale=1.5)
    assert_risk(one_step(prompts, 0.3), prompts, expected, power=1.5**2 * D)


@pytest.mark.parametrize("noise", [0.0, 0.7])
@pytest.mark.parametrize("lengths", [[20], [5, 9, 40]])
def test_the_optimal_step_is_a_minimum_of_the_mean_risk(lengths, noise):
    def mean_risk(step_size):
        return sum(risk.one_step_risk(step_size, 10, k, noise) for k in lengths) / len(lengths)

    best = risk.optimal_step_size(10, lengths, noise)
    assert mean_risk(best) == pytest.approx(1 - best, abs=1e-12)
    assert mean_risk(best) < min(mean_risk(best - 1e-3), mean_risk(best + 1e-3))


def test_optimal_step_of_the_mixture_that_the_study_trains_on():
    best = risk.optimal_step_size(10, range(5, 51))
    assert best == pytest.approx(0.6338, abs=5e-5)
    assert 1 - best == pytest.approx(0.3662, abs=5e-5)


def test_longer_contexts_leave_what_one_step_cannot_learn():
    best = risk.optimal_step_size(10, range(5, 51))
    assert risk.one_step_risk(best, 10, 10**9) == pytest.approx((1 - best) ** 2, abs=1e-8)


def test_risk_of_a_preconditioned_step():
    prompts = draw_prompts(3, 6, n_prompts=20_000, covariance=COVARIANCE, noise=0.4)
    matrix = torch.tensor([[0.5, 0.1, 0.0], [0.0, 0.4, 0.1], [0.2, 0.0, 0.9]]).double()
    expected = risk.preconditioned_risk(matrix, COVARIANCE, 6, noise=0.4)
    power = COVARIANCE.trace().item()
    assert_risk(preconditioned_step(prompts, matrix), prompts, expected, power)


def test_the_optimal_preconditioner_is_stationary():
    matrix = risk.optimal_preconditioner(COVARIANCE, [4, 9], noise=0.4).requires_grad_()
    mapped = COVARIANCE @ matrix @ COVARIANCE
    for k in (4, 9):
        isotropic = (COVARIANCE.trace() + 0.4) / k
        curvature = (1 + 1 / k) * COVARIANCE + isotropic * torch.eye(3, dtype=torch.float64)
        loss = torch.trace(mapped @ curvature @ matrix.T) - 2 * torch.trace(mapped)
        loss.backward(retain_graph=True)
    torch.testing.assert_close(matrix.grad, torch.zeros(3, 3).double(), atol=1e-12, rtol=0)


def test_risk_of_a_step_on_few_tasks():
    draw = torch.Generator().manual_seed(0)
    tasks = torch.randn(2, D, dtype=torch.float64, generator=draw)
    moment = tasks.T @ tasks / 2
    prompts = sample_prompts("prompts", 0, 0, 20_000, 6, 2, D, 0.4, tasks.float()).double()
    matrix = risk.optimal_task_preconditioner(moment, [4, 9], noise=0.4)
    expected = risk.task_risk(matrix, moment, 6, noise=0.4)
    assert_risk(preconditioned_step(prompts, matrix), prompts, expected)
    change = 0.01 * torch.randn(D, D, generator=draw, dtype=torch.float64)
    least, more, less = (
        sum(risk.task_risk(own, moment, k, noise=0.4) for k in (4, 9))
        for own in (matrix, matrix + change, matrix - change)
    )
    assert more == pytest.approx(less, abs=1e-12) and more > least


def test_the_laws_of_a_covariance_contain_those_of_white_inputs():
    identity = torch.eye(D, dtype=torch.float64)
    step = risk.optimal_step_size(D, [5, 9], noise=0.4)
    expected = step * identity
    matrix = risk.optimal_preconditioner(identity, [5, 9], noise=0.4)
    torch.testing.assert_close(matrix, expected, atol=1e-12, rtol=1e-12)
    law = pytest.approx(risk.one_step_risk(step, D, 7, noise=0.4), abs=1e-12)
    assert risk.preconditioned_risk(matrix, identity, 7, noise=0.4) == law
    assert risk.task_risk(matrix, identity, 7, noise=0.4) == law  # of all tasks


def test_a_subspace_has_the_risk_of_its_dimension():
    basis = torch.linalg.qr(torch.randn(8, D, generator=torch.Generator().manual_seed(0))).Q
    projector = (basis @ basis.T).double()
    isotropic = 0.6 * torch.eye(8, dtype=torch.float64)
    measured = risk.preconditioned_risk(isotropic, projector, 20)
    assert measured == pytest.approx(risk.one_step_risk(0.6, D, 20), abs=1e-6)


@pytest.mark.parametrize("k", [2, 9])
def test_risk_of_a_step_on_the_centred_context(k):
    prompts = draw_prompts(D, k, n_prompts=20_000)
    x = prompts.x - prompts.x.mean(dim=-2, keepdim=True)
    centred = Prompts(x, prompts.y, prompts.x_test, prompts.y_test)
    assert_risk(one_step(centred, 0.5), prompts, risk.debiased_risk(0.5, D, k))


def test_the_optimal_debiased_step():
    at_one_length = risk.optimal_debiased_step_size(10, [20])
    assert risk.debiased_risk(at_one_length, 10, 20) == pytest.approx(11 / 30, abs=1e-12)
    best = risk.optimal_debiased_step_size(10, [5, 30])
    means = [
        sum(risk.debiased_risk(c, 10, k) for k in (5, 30)) for c in (best, best - 1e-3, best + 1e-3)
    ]
    assert means[0] == min(means)


@pytest.mark.parametrize("k", [10, 40])
def test_cosine_of_the_gradient_with_w(k):
    x = torch.randn(20_000, k, 10, generator=torch.Generator().manual_seed(0))
    gradient = x.transpose(1, 2) @ x[:, :, 0, None]  # w = e_1: only its direction matters
    cosines = gradient[:, 0, 0] / gradient.norm(dim=(1, 2))
    assert risk.gradient_cosine(10, k) == pytest.approx(cosines.mean().item(), rel=0.04)
    assert risk.gradient_cosine(10, k) < cosines.mean()


def test_second_moment_of_the_gradient():
    """E‖G‖² = (k + d + 1)/k · ‖w‖², from which the laws of one step follow."""
    prompts = draw_prompts(D, 8, n_prompts=20_000)
    gradient = (prompts.x * prompts.y[..., None]).mean(dim=-2)
    assert_within_error(gradient.square().sum(-1).flatten() / D, (8 + D + 1) / 8)


@pytest.mark.parametrize("lengths", [[], [0, 5]])
def test_lengths_that_no_context_can_have_are_refused(lengths):
    with pytest.raises(ValueError, match="at least 1"):
        risk.optimal_step_size(10, lengths)


def test_a_debiased_step_on_single_pairs_is_refused():
    with pytest.raises(ValueError, match="k > 1"):
        risk.optimal_debiased_step_size(10, [1])


@pytest.mark.parametrize(("d", "k"), [(1, 1), (3, 8), (10, 5), (4, 40)])
def test_shuffled_y_correlate_as_the_law_says(d, k):
    random = torch.Generator().manual_seed(0)
    x = torch.randn(40000, k, d, generator=random, dtype=torch.float64)
    y = x @ torch.randn(40000, d, 1, generator=random, dtype=torch.float64)
    order = torch.rand(40000, k, 1, generator=random).argsort(1)
    matched, shuffled = (x.mT @ part for part in (y, y.gather(1, order)))
    found = (matched * shuffled).sum() / (matched.norm() * shuffled.norm())
    assert found.item() == pytest.approx(risk.shuffled_correlation(d, k), abs=4 * 0.005)
