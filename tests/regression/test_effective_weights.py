"""Merged weights of layers that were built to be steps, and the exact risk of any."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from gradient_steps import merged_heads, merged_step, token_layers
from helpers import normal
from monte_carlo import assert_within_error

from mechanics.models import regression
from mechanics.models.prompts import embed, sample_prompts, squared_errors
from mechanics.models.transformer import initialise, standard_tokens
from mechanics.regression.effective_weights import (
    exact_risk,
    isotropy_distance,
    layer_risk,
    merged,
    preconditioner,
)

D = 3
LAYER = token_layers()


def test_preconditioner_is_read_back_with_keys_that_read_y_and_values_that_read_x():
    expected = normal(D, D)
    match, write = merged_step(expected)
    match[0, 0, D], write[0, 1, D] = 2, -3
    expected[0, 1] += 6
    found = preconditioner(*merged(merged_heads(match, write), LAYER))
    torch.testing.assert_close(found[0, 0], expected, atol=1e-12, rtol=0)


def test_a_one_sided_step_is_far_from_isotropic():
    gamma = torch.diag(torch.tensor([1.0, 0.0, 0.0])).double()[None]
    assert isotropy_distance(gamma).item() == pytest.approx((2 / 3) ** 0.5)


@pytest.mark.parametrize(("k", "noise"), [(2, 0.0), (4, 0.5)])
@pytest.mark.parametrize("more", [0, 2])
@pytest.mark.parametrize("changes", [{}, standard_tokens(D)])
def test_random_weights_have_their_exact_risk(changes, more, k, noise):
    architecture = replace(token_layers(d=D + more), **changes)
    shapes = regression.parameter_shapes(architecture, D + more)
    drawn = initialise(shapes, 0.5, torch.Generator().manual_seed(0))
    weights = {name: tensor[None].double() for name, tensor in drawn.items()}
    prompts = sample_prompts("prompts", 0, 0, 40000, k, 4, D, noise).double()
    predictions = regression.forward(weights, embed(prompts, D + more), architecture)
    errors = squared_errors(predictions, prompts)[0] / D
    law = float(exact_risk(weights, architecture, D, k, noise))
    assert_within_error(errors, law)
    assert float(errors.std()) / 200 < 0.05 * law


def risk_by_quadrature(W_QK, value) -> float:
    """The mean over every x and w at d = k = 2 by Gauss–Hermite, exact up to degree 4 in each."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(4)
    d = k = 2
    n = d * k + d
    points = torch.tensor(list(itertools.product(nodes, repeat=n)))
    mass = torch.tensor(list(itertools.product(weights / weights.sum(), repeat=n))).prod(-1)
    x, w = points[:, : d * k].reshape(-1, k, d), points[:, d * k :]
    z = torch.cat([x, x @ w[..., None]], dim=-1)
    moments = z.mT @ z / k
    found = -(moments @ value) @ W_QK[:d].T
    return float((mass * (found - w).square().sum(-1)).sum() / d)


def test_the_risk_is_exact_with_every_stray_weight():
    layer = normal(3, 3), normal(3, seed=1)
    assert float(layer_risk(*layer, 1 / 2)) == pytest.approx(risk_by_quadrature(*layer), rel=1e-12)
