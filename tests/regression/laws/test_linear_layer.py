"""The risk of one linear layer against exact quadrature; its training against small steps."""

import itertools

import numpy as np
import pytest
import torch

from mechanics.regression.laws import risk
from mechanics.regression.laws.linear_layer import (
    balanced_start,
    layer_risk,
    preconditioner,
    saddle_risk,
    step_size_curve,
)

D, K = 2, 2
LENGTHS = range(5, 51)


def random_layer(d: int, seed: int = 0):
    draw = torch.Generator().manual_seed(seed)
    return (
        torch.randn(d + 1, d + 1, dtype=torch.float64, generator=draw),
        torch.randn(d + 1, dtype=torch.float64, generator=draw),
    )


def risk_by_quadrature(W_QK, value) -> float:
    """The mean over every x and w by Gauss–Hermite, exact for a polynomial of degree 4 in each."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(4)
    n = D * K + D
    points = torch.tensor(list(itertools.product(nodes, repeat=n)))
    mass = torch.tensor(list(itertools.product(weights / weights.sum(), repeat=n))).prod(-1)
    x, w = points[:, : D * K].reshape(-1, K, D), points[:, D * K :]
    z = torch.cat([x, x @ w[..., None]], dim=-1)
    moments = z.mT @ z / K
    found = -(moments @ value) @ W_QK[:D].T
    return float((mass * (found - w).square().sum(-1)).sum() / D)


def test_the_risk_is_exact_with_every_stray_weight():
    layer = random_layer(D)
    assert float(layer_risk(*layer, 1 / K)) == pytest.approx(risk_by_quadrature(*layer), rel=1e-12)


def test_a_layer_without_stray_weights_has_the_risk_of_its_preconditioner():
    W_QK, value = random_layer(5)
    W_QK[:5, 5], value[:5] = 0, 0
    gamma, identity = preconditioner(W_QK, value), torch.eye(5, dtype=torch.float64)
    expected = risk.preconditioned_risk(gamma, identity, 8)
    assert float(layer_risk(W_QK, value, 1 / 8)) == pytest.approx(expected, rel=1e-12)


def test_the_mixture_has_the_risk_at_the_mean_of_one_over_k():
    layer = random_layer(4)
    each = torch.stack([layer_risk(*layer, 1 / k) for k in LENGTHS])
    mixture = layer_risk(*layer, risk.mean_inverse(LENGTHS))
    torch.testing.assert_close(each.mean(), mixture, rtol=1e-12, atol=0)


def test_the_closed_curve_is_descent_on_the_exact_risk():
    d, rate, start = 10, 1e-3, 0.1
    weights = [tensor.requires_grad_() for tensor in balanced_start(start, d)]
    found, mean_inverse = [], risk.mean_inverse(LENGTHS)
    for _ in range(800):
        found.append(float(preconditioner(*weights).detach().diagonal().mean()))
        slopes = torch.autograd.grad(d / 2 * layer_risk(*weights, mean_inverse), weights)
        weights = [
            (weight - rate * slope).detach().requires_grad_()
            for weight, slope in zip(weights, slopes, strict=True)
        ]
    expected = step_size_curve(range(800), start, rate, d, LENGTHS)
    torch.testing.assert_close(torch.tensor(found).double(), expected, rtol=5e-3, atol=0)


@pytest.mark.parametrize("rank", [1, 3])
def test_the_saddle_is_a_stationary_point_of_that_risk(rank):
    d, best = 4, risk.optimal_step_size(4, LENGTHS)
    W_QK = torch.zeros(d + 1, d + 1, dtype=torch.float64)
    W_QK[range(rank), range(rank)] = best
    value = torch.zeros(d + 1, dtype=torch.float64)
    value[d] = -1
    weights = [W_QK.requires_grad_(), value.requires_grad_()]
    found = layer_risk(*weights, risk.mean_inverse(LENGTHS))
    assert found.item() == pytest.approx(saddle_risk(rank, d, LENGTHS), abs=1e-12)
    slope = torch.autograd.grad(found, weights)[0]
    assert slope[range(rank), range(rank)].abs().max() < 1e-12
