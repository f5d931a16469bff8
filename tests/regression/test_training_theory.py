"""Merged weights and four matrices are one network; descent is what it says; Adam is Adam."""

from itertools import islice

import pytest
import torch
from gradient_steps import token_layers
from helpers import regression_settings

from mechanics.models import regression
from mechanics.models.prompts import squared_errors
from mechanics.regression.laws.linear_layer import layer_risk
from mechanics.regression.training_theory import (
    adam,
    as_network,
    draw,
    exact_loss,
    gradient_descent,
    merged_weights,
)

D = 3
LAYER = token_layers()
LENGTHS = range(4, 9)
SETTINGS = regression_settings(k_min=4, init_std=0.3, warmup_steps=0, curriculum="mixed")


def merged_start(n_seeds: int = 2) -> dict[str, torch.Tensor]:
    draws = torch.Generator().manual_seed(0)
    shapes = {"W_QK": (n_seeds, D + 1, D + 1), "value": (n_seeds, D + 1)}
    return {
        name: 0.3 * torch.randn(shape, dtype=torch.float64, generator=draws)
        for name, shape in shapes.items()
    }


def test_a_merged_layer_is_read_back_from_its_matrices():
    weights = merged_start()
    found = merged_weights(as_network(weights, LAYER), LAYER)
    torch.testing.assert_close(found[0].double(), weights["W_QK"])
    torch.testing.assert_close(found[1].double(), weights["value"])


def test_the_sampled_loss_has_the_exact_loss_as_its_mean():
    weights = merged_start()
    prompts = draw(SETTINGS, 2, 40_000, LENGTHS, 0)
    errors = squared_errors(regression.forward(as_network(weights, LAYER), prompts, LAYER), prompts)
    off = (errors.mean(-1) - exact_loss(LAYER, LENGTHS)(weights, 0)) * 200 / errors.std(-1)
    assert off.abs().max() < 4
    assert not torch.equal(prompts.x[0], prompts.x[1])


def test_a_step_of_descent_lowers_half_the_loss_at_its_rate():
    """The fall of the loss over a small step is the rate times half its squared gradient."""
    loss, rate = exact_loss(LAYER, LENGTHS), 1e-6
    first, second = islice(gradient_descent(merged_start(), loss, rate), 2)
    moved = sum((second[n] - first[n]).square().flatten(1).sum(1) for n in first)
    fall = (loss(first, 0) - loss(second, 0)) / 2
    torch.testing.assert_close(fall, moved / rate, rtol=1e-4, atol=0)


def test_adam_without_noise_is_that_of_torch():
    path = list(islice(adam(SETTINGS, [0], None), 6))
    weights = {name: tensor.clone().requires_grad_() for name, tensor in path[0].items()}
    optimiser = torch.optim.Adam(weights.values(), lr=0.01, betas=(0.9, 0.98), eps=1e-8)
    for _ in range(5):
        optimiser.zero_grad()
        W_QK, value = merged_weights(weights, LAYER)
        mean = torch.stack([layer_risk(W_QK, value, 1 / k) for k in LENGTHS]).mean()
        (D * mean).backward()
        optimiser.step()
    for name, tensor in path[5].items():
        torch.testing.assert_close(tensor, weights[name].detach(), rtol=1e-6, atol=1e-9)


def test_noise_in_the_second_moment_slows_adam():
    exact, noisy = ([*islice(adam(SETTINGS, [0, 1], n), 3)][2] for n in (None, 8))
    start = next(adam(SETTINGS, [0, 1], None))
    moved = [sum((w[n] - start[n]).norm() for n in w) for w in (exact, noisy)]
    assert moved[1] != pytest.approx(float(moved[0]))
