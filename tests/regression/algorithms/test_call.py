"""Every algorithm has the call of a trained network."""

import pytest
import torch
from monte_carlo import draw_prompts

from mechanics.models.prompts import Prompts, sample_prompts, shorten, stack_prompts
from mechanics.regression.algorithms import gradient_descent as gd
from mechanics.regression.algorithms import kernel_smoother, least_squares
from mechanics.regression.algorithms.newton import newton

D = 3
ALGORITHMS = {
    "zero": least_squares.zero,
    "ols": least_squares.ordinary_least_squares,
    "ridge": lambda prompts: least_squares.ridge(prompts, 0.5),
    "averaging": gd.averaging,
    "one_step": lambda prompts: gd.one_step(prompts, 0.6),
    "preconditioned": lambda prompts: gd.preconditioned_step(prompts, 0.6 * torch.eye(D)[None]),
    "gradient_descent": lambda prompts: gd.gradient_descent(prompts, [0.3, 0.6]),
    "gd_plus_plus": lambda prompts: gd.gd_plus_plus(prompts, [0.3, 0.6], [0.1]),
    "newton": lambda prompts: newton(prompts, 3),
    "gaussian": lambda prompts: kernel_smoother.gaussian_smoother(prompts, 1.0),
    "dot_product": lambda prompts: kernel_smoother.dot_product_smoother(prompts, 0.3),
    "two_heads": lambda prompts: kernel_smoother.two_head_smoother(prompts, 0.3, 1.0),
    "knn": lambda prompts: kernel_smoother.nearest_neighbours(prompts, 2),
}


def float32_prompts() -> Prompts:
    return stack_prompts([sample_prompts("evaluation", r, 0, 4, 5, 6, D) for r in range(2)])


@pytest.mark.parametrize("name", ALGORITHMS)
def test_predictions_have_the_dtype_and_shape_of_the_test_points(name):
    prompts = float32_prompts()
    predictions = ALGORITHMS[name](prompts)
    assert predictions.dtype == torch.float32
    assert predictions.shape == prompts.y_test.shape


@pytest.mark.parametrize("name", ALGORITHMS)
def test_test_points_are_predicted_one_by_one(name):
    prompts = draw_prompts(D, 5, n_prompts=3, n_queries=4)
    first = Prompts(prompts.x, prompts.y, prompts.x_test[:, :, :1], prompts.y_test[:, :, :1])
    expected = ALGORITHMS[name](prompts)[..., :1]
    torch.testing.assert_close(ALGORITHMS[name](first), expected, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("name", [name for name in ALGORITHMS if name != "zero"])
def test_a_mask_is_refused(name):
    masked = shorten(float32_prompts(), torch.full((2, 4), 3))
    with pytest.raises(ValueError, match="without a mask"):
        ALGORITHMS[name](masked)
