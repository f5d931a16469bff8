"""The sensitivity of predictors whose answer is known, and its correlation."""

import math
from functools import partial

import pytest
import torch

from mechanics.models.prompts import Prompts, sample_prompts
from mechanics.regression.algorithms import (
    dot_product_smoother,
    gradient_descent,
    mirrored,
    nearest_neighbours,
)
from mechanics.regression.following import correlation
from mechanics.regression.held_out import sensitivities

D, K = 4, 12


def prompts() -> Prompts:
    return sample_prompts("prompts", 0, 0, 300, K, 3, D).double()  # more than one chunk


def test_sensitivity_of_a_linear_prediction_is_its_weights():
    drawn = prompts()
    found = sensitivities(partial(gradient_descent, step_sizes=[0.7]), drawn)
    gradient = torch.einsum("pkd,pk->pd", drawn.x[0], drawn.y[0]) / K
    expected = 0.7 * gradient[:, None].expand(-1, 3, -1)
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=0)


def test_sensitivity_of_a_curved_prediction_is_its_derivative_at_each_test_point():
    drawn = prompts()
    found = sensitivities(lambda p: p.x_test.square().sum(-1), drawn)
    torch.testing.assert_close(found, 2 * drawn.x_test[0])


def test_piecewise_constant_predictions_have_none():
    assert not sensitivities(partial(nearest_neighbours, n_neighbours=2), prompts()).any()


def test_step_sizes_do_not_change_the_correlation_and_constant_weights_have_none():
    large, small = (
        sensitivities(partial(gradient_descent, step_sizes=[c]), prompts()) for c in (0.9, 0.6)
    )
    assert correlation(large, small) == pytest.approx(1, abs=1e-12)
    assert math.isnan(correlation(torch.ones_like(large), small))


def test_a_mirrored_softmax_head_has_the_opposite_signs():
    drawn = prompts()
    head = mirrored(lambda p: dot_product_smoother(p, 0.5, 1.2))
    torch.testing.assert_close(head(drawn), dot_product_smoother(drawn, -0.5, -1.2))
