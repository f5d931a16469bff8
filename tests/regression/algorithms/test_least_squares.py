"""Least squares and ridge, also where XᵀX is singular."""

import pytest
import torch
from monte_carlo import assert_risk, draw_prompts

from mechanics.models.prompts import Prompts
from mechanics.regression.algorithms.least_squares import (
    ordinary_least_squares,
    posterior_mean,
    ridge,
    zero,
)
from mechanics.regression.laws import risk


@pytest.mark.parametrize(("d", "k"), [(4, 4), (4, 9), (1, 1), (1, 5)])
def test_least_squares_is_exact_from_k_equal_to_d(d, k):
    prompts = draw_prompts(d, k, n_prompts=20, n_queries=3)
    torch.testing.assert_close(
        ordinary_least_squares(prompts), prompts.y_test, atol=1e-10, rtol=1e-10
    )


def test_fewer_points_than_dimensions_give_the_fit_of_least_norm():
    prompts = draw_prompts(5, 3, n_prompts=10)
    dual = torch.linalg.solve(prompts.x @ prompts.x.transpose(-1, -2), prompts.y[..., None])
    expected = (prompts.x_test @ prompts.x.transpose(-1, -2) @ dual)[..., 0]
    torch.testing.assert_close(ordinary_least_squares(prompts), expected, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_points_that_depend_on_one_another_do_not_magnify_rounding(dtype):
    whole = draw_prompts(4, 2, n_prompts=50, n_queries=3)
    mixing = torch.randn(6, 2, dtype=dtype, generator=torch.Generator().manual_seed(0))
    x, y = mixing @ whole.x.to(dtype), (mixing @ whole.y[..., None].to(dtype))[..., 0]
    singular = Prompts(x, y, whole.x_test.to(dtype), whole.y_test.to(dtype))
    tolerance = 1e-10 if dtype == torch.float64 else 1e-4
    torch.testing.assert_close(
        ordinary_least_squares(singular).double(),
        ordinary_least_squares(whole),
        atol=tolerance,
        rtol=tolerance,
    )


@pytest.mark.parametrize("k", [3, 5, 9])
def test_ridge_becomes_least_squares_as_its_penalty_vanishes(k):
    prompts = draw_prompts(5, k, n_prompts=20)
    expected = ordinary_least_squares(prompts)
    torch.testing.assert_close(ridge(prompts, 0.0), expected, atol=0, rtol=0)
    torch.testing.assert_close(ridge(prompts, 1e-13), expected, atol=1e-8, rtol=1e-8)


def test_ridge_solves_its_normal_equations():
    prompts = draw_prompts(4, 6, n_prompts=10)
    transposed = prompts.x.transpose(-1, -2)
    normal = transposed @ prompts.x + 0.7 * torch.eye(4, dtype=torch.float64)
    weights = torch.linalg.solve(normal, transposed @ prompts.y[..., None])
    expected = (prompts.x_test @ weights)[..., 0]
    torch.testing.assert_close(ridge(prompts, 0.7), expected, atol=1e-12, rtol=1e-12)


def test_a_negative_penalty_is_refused():
    with pytest.raises(ValueError, match="at least 0"):
        ridge(draw_prompts(2, 3), -1.0)


@pytest.mark.parametrize(("k", "noise"), [(3, 0.0), (3, 0.5), (14, 0.5)])
def test_risk_of_least_squares(k, noise):
    prompts = draw_prompts(6, k, n_prompts=20_000, noise=noise)
    assert_risk(ordinary_least_squares(prompts), prompts, risk.least_squares_risk(6, k, noise))


def test_the_variance_of_least_squares_is_infinite_around_k_equal_to_d():
    infinite = [k for k in range(1, 20) if risk.least_squares_risk(6, k, 0.1) == torch.inf]
    assert infinite == [5, 6, 7]


def test_predicting_zero_has_risk_one():
    prompts = draw_prompts(4, 2, n_prompts=20_000)
    assert_risk(zero(prompts), prompts, 1.0)


def test_the_posterior_mean_knows_its_tasks():
    tasks = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    x, y = torch.tensor([[[[1.0, 0.0]]]]), torch.tensor([[[0.75]]])
    prompts = Prompts(x, y, torch.eye(2)[None, None], torch.zeros(1, 1, 2))
    odds = torch.tensor((0.75**2 - 0.25**2) / (2 * 0.5)).exp()  # of the first, at σ² = ½
    expected = torch.stack([odds, torch.tensor(1.0)]) / (1 + odds)
    torch.testing.assert_close(posterior_mean(prompts, tasks, 0.5)[0, 0], expected)
    assert posterior_mean(prompts, tasks, 0.0).flatten().tolist() == [1, 0]
