"""The sensitivity of predictors whose answer is known, and its correlation."""

import math

import pytest
import torch

from mechanics.models.prompts import sample_prompts
from mechanics.regression.algorithms import dot_product_smoother, mirrored
from mechanics.regression.following import correlation
from mechanics.regression.held_out import sensitivities

PROMPTS = sample_prompts("prompts", 0, 0, 300, 12, 3, 4).double()  # more than one chunk


def test_sensitivity_of_a_curve_is_its_derivative_at_each_test_point():
    found = sensitivities(lambda p: p.x_test.square().sum(-1), PROMPTS)
    torch.testing.assert_close(found, 2 * PROMPTS.x_test[0])
    assert correlation(found, 3 * found) == pytest.approx(1)  # at any step size
    assert math.isnan(correlation(found, torch.ones_like(found)))


def test_a_mirrored_softmax_head_has_the_opposite_signs():
    head = mirrored(lambda p: dot_product_smoother(p, 0.5, 1.2))
    torch.testing.assert_close(head(PROMPTS), dot_product_smoother(PROMPTS, -0.5, -1.2))
