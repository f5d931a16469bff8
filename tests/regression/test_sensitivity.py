"""The sensitivity of predictors whose answer is known, and its correlation."""

import math
from functools import partial

import pytest
import torch

from mechanics.models.prompts import sample_prompts
from mechanics.regression.algorithms import (
    dot_product_smoother,
    gradient_descent,
    mirrored,
    nearest_neighbours,
)
from mechanics.regression.following import correlation
from mechanics.regression.held_out import sensitivities

D, K = 4, 12


PROMPTS = sample_prompts("prompts", 0, 0, 300, K, 3, D).double()  # more than one chunk


def test_sensitivity_of_a_linear_prediction_is_its_weights_and_they_correlate_at_any_step_size():
    large, small = (
        sensitivities(partial(gradient_descent, step_sizes=[c]), PROMPTS) for c in (0.9, 0.6)
    )
    gradient = torch.einsum("pkd,pk->pd", PROMPTS.x[0], PROMPTS.y[0]) / K
    expected = 0.9 * gradient[:, None].expand(-1, 3, -1)
    torch.testing.assert_close(large, expected, atol=1e-12, rtol=0)
    assert correlation(large, small) == pytest.approx(1, abs=1e-12)
    assert math.isnan(correlation(torch.ones_like(large), small))


def test_sensitivity_of_a_curve_is_its_derivative_at_each_test_point_and_of_steps_none():
    found = sensitivities(lambda p: p.x_test.square().sum(-1), PROMPTS)
    torch.testing.assert_close(found, 2 * PROMPTS.x_test[0])
    assert not sensitivities(partial(nearest_neighbours, n_neighbours=2), PROMPTS).any()


def test_a_mirrored_softmax_head_has_the_opposite_signs():
    head = mirrored(lambda p: dot_product_smoother(p, 0.5, 1.2))
    torch.testing.assert_close(head(PROMPTS), dot_product_smoother(PROMPTS, -0.5, -1.2))
