"""The algorithms: known answers, networks built to perform them, limits, and their common call."""

from functools import partial

import pytest
import torch
from gradient_steps import gradient_steps
from helpers import normal
from monte_carlo import assert_risk, draw_prompts
from torch.nn.functional import normalize

from mechanics.models import regression
from mechanics.models.prompts import Prompts, sample_prompts, shorten, stack_prompts
from mechanics.regression import algorithms as own
from mechanics.regression.laws import risk

D, K = 3, 7
ALGORITHMS = {
    "zero": own.zero,
    "OLS": own.ordinary_least_squares,
    "ridge": partial(own.ridge, penalty=0.5),
    "posterior": partial(own.posterior_mean, tasks=torch.eye(D), noise=0.5),
    "preconditioned": partial(own.preconditioned_step, preconditioner=0.6 * torch.eye(D)[None]),
    "gradient descent": partial(own.gradient_descent, step_sizes=[0.3, 0.6]),
    "GD++": partial(own.gd_plus_plus, step_sizes=[0.3, 0.6], gammas=[0.1]),
    "Newton": partial(own.newton, n_steps=3),
    "Gaussian": partial(own.gaussian_smoother, bandwidth=1.0),
    "dot product": partial(own.dot_product_smoother, omega=0.3),
    "two heads": partial(own.two_head_smoother, omega=0.3, scale=1.0),
    "neighbours": partial(own.nearest_neighbours, n_neighbours=2),
}


def assert_same(found, expected, tolerance: float = 1e-12) -> None:
    torch.testing.assert_close(found, expected, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_algorithms_have_the_call_of_a_network(name):
    """The dtype and shape of the test points, each predicted by itself, from whole contexts."""
    drawn = stack_prompts([sample_prompts("evaluation", r, 0, 4, 5, 6, D) for r in range(2)])
    predictions = ALGORITHMS[name](drawn)
    assert predictions.dtype == torch.float32 and predictions.shape == drawn.y_test.shape
    prompts = draw_prompts(D, 5, n_prompts=3, n_queries=4)
    first = Prompts(prompts.x, prompts.y, prompts.x_test[:, :, :1], prompts.y_test[:, :, :1])
    assert_same(ALGORITHMS[name](first), ALGORITHMS[name](prompts)[..., :1])
    if name != "zero":
        with pytest.raises(ValueError, match="without a mask"):
            ALGORITHMS[name](shorten(drawn, torch.full((2, 4), 3)))


def test_constructed_layers_are_their_steps():
    """Layers leave residuals y − ŷ in the context, and −ŷ at the query, which is read."""
    prompts, steps = draw_prompts(D, K, n_prompts=5, n_queries=2), [0.3, 0.7, 0.5]
    weights, network = gradient_steps(steps, D)
    layers = regression.forward(weights, prompts, network)
    assert_same(layers, own.gradient_descent(prompts, steps))
    for layer, gamma in enumerate((0.1, 0.2)):
        weights[f"blocks.{layer}.attn.W_O"][0, 0, range(D), range(D)] = -gamma
    layers = regression.forward(weights, prompts, network)
    assert_same(layers, own.gd_plus_plus(prompts, steps, [0.1, 0.2]))
    weights, network = gradient_steps([1.0], D)
    weights["blocks.0.attn.W_Q"][0, 0, :D, :D] = normal(D, D) / network.score_scale
    layer = regression.forward(weights, prompts, network)
    assert_same(layer, own.preconditioned_step(prompts, normal(D, D)))


@pytest.mark.parametrize(("d", "k"), [(4, 20), (4, 3), (1, 1)])
def test_each_step_of_newton_squares_the_residual_until_least_squares(d, k):
    prompts = draw_prompts(d, k, n_prompts=10)
    eigenvalues, vectors = torch.linalg.eigh(prompts.x[0, 0].T @ prompts.x[0, 0] / k)
    w = torch.linalg.lstsq(prompts.x[0, 0], prompts.y[0, 0]).solution
    for n_steps in (0, 1, 3):
        learnt = 1 - (1 - eigenvalues**2 / eigenvalues.max() ** 2) ** (2**n_steps)
        expected = prompts.x_test[0, 0] @ vectors @ (learnt * (vectors.T @ w))
        assert_same(own.newton(prompts, n_steps)[0, 0], expected)
    assert_same(own.newton(prompts, 25), own.ordinary_least_squares(prompts), 1e-8)


@pytest.mark.parametrize(("d", "k"), [(4, 4), (4, 9), (1, 1), (5, 3)])
def test_least_squares_is_exact_from_k_equal_to_d_and_below_it_of_least_norm(d, k):
    prompts = draw_prompts(d, k, n_prompts=20, n_queries=3)
    expected = prompts.y_test
    if k < d:
        dual = torch.linalg.solve(prompts.x @ prompts.x.mT, prompts.y[..., None])
        expected = (prompts.x_test @ prompts.x.mT @ dual)[..., 0]
    assert_same(own.ordinary_least_squares(prompts), expected, 1e-10)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_points_that_depend_on_one_another_do_not_magnify_rounding(dtype):
    whole = draw_prompts(4, 2, n_prompts=50, n_queries=3)
    mixing = torch.randn(6, 2, dtype=dtype, generator=torch.Generator().manual_seed(0))
    x, y = mixing @ whole.x.to(dtype), (mixing @ whole.y[..., None].to(dtype))[..., 0]
    singular = Prompts(x, y, whole.x_test.to(dtype), whole.y_test.to(dtype))
    found = own.ordinary_least_squares(singular).double()
    tolerance = 1e-10 if dtype == torch.float64 else 1e-4
    assert_same(found, own.ordinary_least_squares(whole), tolerance)


@pytest.mark.parametrize("k", [3, 5, 9])
def test_ridge_solves_its_normal_equations_and_becomes_least_squares(k):
    prompts = draw_prompts(5, k, n_prompts=20)
    normal = prompts.x.mT @ prompts.x + 0.7 * torch.eye(5, dtype=torch.float64)
    weights = torch.linalg.solve(normal, prompts.x.mT @ prompts.y[..., None])
    assert_same(own.ridge(prompts, 0.7), (prompts.x_test @ weights)[..., 0])
    assert_same(own.ridge(prompts, 1e-13), own.ordinary_least_squares(prompts), 1e-8)


@pytest.mark.parametrize(("k", "noise"), [(3, 0.0), (3, 0.5), (14, 0.5)])
def test_risk_of_least_squares_and_of_predicting_zero(k, noise):
    prompts = draw_prompts(6, k, n_prompts=20_000, noise=noise)
    expected = risk.least_squares_risk(6, k, noise)
    assert_risk(own.ordinary_least_squares(prompts), prompts, expected)
    assert_risk(own.zero(prompts), prompts, 1.0)


def test_the_posterior_mean_knows_its_tasks():
    tasks = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    x, y = torch.tensor([[[[1.0, 0.0]]]]), torch.tensor([[[0.75]]])
    prompts = Prompts(x, y, torch.eye(2)[None, None], torch.zeros(1, 1, 2))
    odds = torch.tensor((0.75**2 - 0.25**2) / (2 * 0.5)).exp()  # of the first, at σ² = ½
    expected = torch.stack([odds, torch.tensor(1.0)]) / (1 + odds)
    torch.testing.assert_close(own.posterior_mean(prompts, tasks, 0.5)[0, 0], expected)
    assert own.posterior_mean(prompts, tasks, 0.0).flatten().tolist() == [1, 0]


def test_gaussian_weights_are_those_of_the_distances():
    prompts = draw_prompts(3, 6, n_prompts=4, n_queries=2)
    distances = prompts.x_test[..., :, None, :] - prompts.x[..., None, :, :]
    weights = (-distances.square().sum(-1) / (2 * 0.8**2)).exp()
    expected = (weights @ prompts.y[..., None])[..., 0] / weights.sum(-1)
    assert_same(own.gaussian_smoother(prompts, 0.8), expected)


def test_on_the_sphere_the_kernels_are_one_and_copy_the_nearest_neighbour_when_sharp():
    drawn = draw_prompts(3, 6, n_prompts=4)
    prompts = Prompts(normalize(drawn.x, dim=-1), drawn.y, drawn.x_test, drawn.y_test)
    for bandwidth in (0.5, 1e-3):
        expected = own.gaussian_smoother(prompts, bandwidth)
        assert_same(own.dot_product_smoother(prompts, bandwidth**-2), expected, 1e-9)
    torch.testing.assert_close(expected, own.nearest_neighbours(prompts, 1))


def test_two_heads_of_small_omega_take_a_step_on_the_centred_context():
    prompts = draw_prompts(3, 6, n_prompts=4)
    centred = prompts.x - prompts.x.mean(dim=-2, keepdim=True)
    expected = (prompts.x_test @ (centred.mT @ prompts.y[..., None] / 6))[..., 0]
    assert_same(own.two_head_smoother(prompts, 1e-4, 1 / (2 * 1e-4)), expected, 1e-6)


def test_nearest_neighbours_average_the_nearest():
    x = torch.tensor([[0.0], [1.0], [2.0], [10.0]])[None, None]
    y = torch.tensor([1.0, 3.0, 5.0, 7.0])[None, None]
    prompts = Prompts(x, y, torch.tensor([[0.9], [9.0]])[None, None], torch.zeros(1, 1, 2))
    assert own.nearest_neighbours(prompts, 1).flatten().tolist() == [3.0, 7.0]
    assert own.nearest_neighbours(prompts, 2).flatten().tolist() == [2.0, 6.0]
    assert own.nearest_neighbours(prompts, 9).flatten().tolist() == [4.0, 4.0]


def test_a_mirrored_softmax_head_has_the_opposite_signs():
    prompts = draw_prompts(3, 6, n_prompts=4)
    head = own.mirrored(partial(own.dot_product_smoother, omega=0.5, scale=1.2))
    assert_same(head(prompts), own.dot_product_smoother(prompts, -0.5, -1.2))
