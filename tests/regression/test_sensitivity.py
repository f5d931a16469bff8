"""Similarity of predictors whose answer is known."""

import math
from functools import partial

import pytest
import torch

from mechanics.models.prompts import Prompts, sample_prompts
from mechanics.regression.algorithms import (
    dot_product_smoother,
    gradient_descent,
    nearest_neighbours,
    ordinary_least_squares,
    zero,
)
from mechanics.regression.sensitivity import (
    Answers,
    answers,
    correlation,
    fitted_step_size,
    mean_cosine,
    mirrored,
    similarities,
    similarity,
)

D, K = 4, 12


def prompts(n_prompts: int = 64, k: int = K) -> Prompts:
    return sample_prompts("prompts", 0, 0, n_prompts, k, 3, D).double()


def gradient(drawn: Prompts) -> torch.Tensor:
    return torch.einsum("pkd,pk->pd", drawn.x[0], drawn.y[0]) / drawn.x.shape[-2]


def test_sensitivity_of_a_linear_prediction_is_its_weights():
    drawn = prompts()
    step = partial(gradient_descent, step_sizes=[0.7])
    found = answers(step, drawn, chunk=10)
    expected = 0.7 * gradient(drawn)[:, None].expand(-1, 3, -1)
    torch.testing.assert_close(found.sensitivities, expected, atol=1e-12, rtol=0)
    torch.testing.assert_close(found.predictions, step(drawn)[0])


def test_sensitivity_of_a_curved_prediction_is_its_derivative_at_each_test_point():
    drawn = prompts()
    found = answers(lambda p: p.x_test.square().sum(-1), drawn)
    torch.testing.assert_close(found.sensitivities, 2 * drawn.x_test[0])


def test_piecewise_constant_predictions_have_none():
    found = answers(lambda p: nearest_neighbours(p, 2), prompts())
    assert found.sensitivities.abs().max() == 0
    assert math.isnan(similarity(found, found)["model_cos"])


def test_two_step_sizes_differ_in_scale_and_not_in_direction():
    drawn = prompts()
    large, small = (answers(partial(gradient_descent, step_sizes=[c]), drawn) for c in (0.9, 0.6))
    alike = similarity(large, large)
    assert (alike["preds_diff"], alike["model_diff"], alike["r_squared"]) == (0, 0, 1)
    alike = similarity(large, small)
    norm = gradient(drawn).norm(dim=-1).mean().item()
    assert alike["model_diff"] == pytest.approx(0.3 * norm, rel=1e-10)
    assert alike["model_cos"] == pytest.approx(1, abs=1e-12)
    assert alike["r_squared"] == pytest.approx(1 - (0.3 / 0.9) ** 2, rel=1e-10)
    assert correlation(large.sensitivities, small.sensitivities) == pytest.approx(1, abs=1e-12)
    assert fitted_step_size(large.sensitivities, gradient(drawn)) == pytest.approx(0.9, rel=1e-10)


def test_constant_weights_have_no_correlation():
    constant = torch.ones(5, 2, D, dtype=torch.float64)
    assert math.isnan(correlation(constant, torch.randn(5, 1, D, dtype=torch.float64)))
    assert math.isnan(mean_cosine(torch.zeros(5, 2, D, dtype=torch.float64), constant))


def test_predicting_zero_explains_nothing_and_a_diverged_network_is_nan():
    own = answers(ordinary_least_squares, prompts())
    assert similarity(own, answers(zero, prompts()))["r_squared"] == pytest.approx(0, abs=1e-12)
    broken = Answers(own.predictions * math.nan, own.sensitivities * math.nan)
    assert all(math.isnan(value) for value in similarity(broken, own).values())


def test_a_mirrored_softmax_head_has_the_opposite_signs():
    drawn = prompts()
    head = mirrored(lambda p: dot_product_smoother(p, 0.5, 1.2))
    torch.testing.assert_close(head(drawn), dot_product_smoother(drawn, -0.5, -1.2))


def test_of_two_mirror_images_the_nearer_one_counts():
    drawn = prompts()
    plain, image = (
        answers(lambda p, s=s: dot_product_smoother(p, s, s), drawn) for s in (0.5, -0.5)
    )
    assert similarity(plain, image)["preds_diff"] > 0.1
    assert similarities(image, {"smoother": [plain, image]})["smoother"]["preds_diff"] == 0
