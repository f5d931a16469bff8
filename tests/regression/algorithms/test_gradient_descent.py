"""Gradient descent, and linear attention whose weights are built to perform it."""

import pytest
import torch
from monte_carlo import draw_prompts

from mechanics.models import regression
from mechanics.models.transformer import Architecture
from mechanics.regression.algorithms.gradient_descent import (
    averaging,
    gd_plus_plus,
    gradient_descent,
    one_step,
    preconditioned_step,
)
from mechanics.regression.algorithms.least_squares import ordinary_least_squares

D, K = 3, 7
EXACT = {"atol": 1e-12, "rtol": 1e-12}


def linear_stack(y_updates, x_updates, preconditioner=None):
    """A network whose layer l adds (x_update·x_j, y_update·y_j)·x_jᵀΓx_i/k, summed over j."""
    n_tokens = D + 1
    architecture = Architecture("linear", len(y_updates), 1, n_tokens, n_tokens, 0, False, False)
    matching = torch.zeros(n_tokens, n_tokens, dtype=torch.float64)
    matching[:D, :D] = torch.eye(D) if preconditioner is None else preconditioner
    identity = torch.eye(n_tokens, dtype=torch.float64)
    parameters = {}
    for layer, (y_update, x_update) in enumerate(zip(y_updates, x_updates, strict=True)):
        written = torch.tensor([x_update] * D + [y_update], dtype=torch.float64).diag()
        weights = {"Q": matching / architecture.score_scale, "K": identity, "V": identity}
        for letter, weight in (weights | {"O": written}).items():
            parameters[f"blocks.{layer}.attn.W_{letter}"] = weight[None, None]
    return parameters, architecture


def run(prompts, *updates):
    parameters, architecture = linear_stack(*updates)
    return regression.forward(parameters, prompts, architecture)


def test_one_constructed_layer_is_one_step():
    prompts = draw_prompts(D, K, n_prompts=5, n_queries=2)
    torch.testing.assert_close(run(prompts, [-0.4], [0.0]), one_step(prompts, 0.4), **EXACT)


def test_one_constructed_layer_is_a_preconditioned_step():
    prompts = draw_prompts(D, K, n_prompts=5, n_queries=2)
    matrix = torch.randn(D, D, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    layer = run(prompts, [-1.0], [0.0], matrix)
    torch.testing.assert_close(layer, preconditioned_step(prompts, matrix), **EXACT)


def test_constructed_layers_are_as_many_steps():
    """Layers leave residuals y − ŷ in the context, and −ŷ at the query, which is read."""
    prompts = draw_prompts(D, K, n_prompts=5, n_queries=2)
    steps = [0.2, 0.7, 0.4, 0.1]
    layers = run(prompts, [-step for step in steps], [0.0] * 4)
    torch.testing.assert_close(layers, gradient_descent(prompts, steps), **EXACT)


def test_constructed_layers_are_gd_plus_plus():
    prompts = draw_prompts(D, K, n_prompts=5, n_queries=2)
    layers = run(prompts, [-0.3, -0.7, -0.5], [-0.1, -0.2, 0.0])
    expected = gd_plus_plus(prompts, [0.3, 0.7, 0.5], [0.1, 0.2])
    torch.testing.assert_close(layers, expected, **EXACT)


def test_averaging_takes_the_mean_of_xy_for_w():
    prompts = draw_prompts(D, K, n_prompts=5)
    weights = (prompts.x * prompts.y[..., None]).mean(dim=-2)
    expected = (prompts.x_test * weights[..., None, :]).sum(-1)
    torch.testing.assert_close(averaging(prompts), expected, **EXACT)


def test_no_step_predicts_zero():
    prompts = draw_prompts(D, K, n_prompts=5)
    assert (gradient_descent(prompts, []) == 0).all()


def test_gd_plus_plus_without_gamma_is_gradient_descent():
    prompts = draw_prompts(D, K, n_prompts=5)
    expected = gradient_descent(prompts, [0.3, 0.7])
    torch.testing.assert_close(gd_plus_plus(prompts, [0.3, 0.7], [0.0]), expected, **EXACT)


def test_many_steps_are_least_squares():
    prompts = draw_prompts(2, 30, n_prompts=5)
    expected = ordinary_least_squares(prompts)
    torch.testing.assert_close(gradient_descent(prompts, [0.7] * 200), expected, **EXACT)


def test_a_gamma_for_every_gap_is_demanded():
    with pytest.raises(ValueError, match="one γ fewer"):
        gd_plus_plus(draw_prompts(D, K), [0.3, 0.7], [0.1, 0.1])
