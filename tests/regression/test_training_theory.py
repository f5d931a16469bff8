"""Merged weights and four matrices are one network; descent is what it says; Adam is Adam."""

from itertools import islice

import pytest
import torch
from gradient_steps import merged_step, token_layers
from helpers import normal, regression_settings

from mechanics.models import regression
from mechanics.models.prompts import squared_errors
from mechanics.regression import training_theory as theory
from mechanics.regression.effective_weights import layer_risk, preconditioner, step_size
from mechanics.regression.laws import risk

D = 3
LAYER = token_layers()
LENGTHS = range(4, 9)
STUDY = range(5, 51)
SETTINGS = regression_settings(k_min=4, init_std=0.3, warmup_steps=0, curriculum="mixed")


def merged_start(n_seeds: int = 2) -> dict[str, torch.Tensor]:
    matrix, value = normal(n_seeds, D + 1, D + 1), normal(n_seeds, D + 1, seed=1)
    return {"W_QK": 0.3 * matrix, "value": 0.3 * value}


def test_a_merged_layer_is_read_back_and_its_sampled_loss_has_the_exact_loss_as_mean():
    weights, prompts = merged_start(), theory.draw(SETTINGS, 2, 40_000, LENGTHS, 0)
    network = theory.as_network(weights, LAYER)
    merged = [own.double() for own in theory.merged_weights(network, LAYER)]
    torch.testing.assert_close(merged, list(weights.values()))
    errors = squared_errors(regression.forward(network, prompts, LAYER), prompts)
    off = (errors.mean(-1) - theory.exact_loss(LAYER, LENGTHS)(weights, 0)) * 200 / errors.std(-1)
    assert off.abs().max() < 4
    assert not torch.equal(prompts.x[0], prompts.x[1])


def test_adam_without_noise_is_that_of_torch():
    path = list(islice(theory.adam(SETTINGS, [0], None), 6))
    weights = {name: tensor.clone().requires_grad_() for name, tensor in path[0].items()}
    optimiser = torch.optim.Adam(weights.values(), lr=0.01, betas=(0.9, 0.98), eps=1e-8)
    for _ in range(5):
        optimiser.zero_grad()
        W_QK, value = theory.merged_weights(weights, LAYER)
        mean = torch.stack([layer_risk(W_QK, value, 1 / k) for k in LENGTHS]).mean()
        (D * mean).backward()
        optimiser.step()
    for name, tensor in path[5].items():
        torch.testing.assert_close(tensor, weights[name].detach(), rtol=1e-6, atol=1e-9)


def test_of_sampled_gradients_adam_reads_the_scale_alone():
    """The first step is rate · g/|n|, g the exact gradient and n that on sampled prompts."""
    start, moved = islice(theory.adam(SETTINGS, [0, 1], 8), 2)
    g = theory.gradient(theory.exact_loss(LAYER, LENGTHS), start, 0)
    n = theory.gradient(theory.sampled_loss(SETTINGS, 8, lambda step: LENGTHS), start, 0)
    for name, weights in start.items():
        expected = weights - 0.01 * g[name] / (n[name].abs() + 1e-8)
        torch.testing.assert_close(moved[name], expected)


def test_the_closed_curve_is_descent_on_the_exact_risk():
    d, rate, start = 10, 1e-3, 0.1
    weights = dict(zip(("W_QK", "value"), theory.balanced_start(start, d), strict=True))
    weights = {name: tensor[None] for name, tensor in weights.items()}
    loss = theory.exact_loss(token_layers(d=d), STUDY)
    path = islice(theory.gradient_descent(weights, loss, rate), 800)
    sizes = [step_size(preconditioner(*own.values())) for own in path]
    expected = theory.step_size_curve(range(800), start, rate, d, STUDY)
    torch.testing.assert_close(torch.cat(sizes), expected, rtol=5e-3, atol=0)


@pytest.mark.parametrize("rank", [1, 3])
def test_the_saddle_is_a_stationary_point_of_that_risk(rank):
    d, best = 4, risk.optimal_step_size(4, STUDY)
    kept = torch.zeros(d, dtype=torch.float64)
    kept[:rank] = best
    match, write = (own[0] for own in merged_step(torch.diag(kept)))
    weights = [match.requires_grad_(), write[:, d].clone().requires_grad_()]
    found = layer_risk(*weights, risk.mean_inverse(STUDY))
    assert found.item() == pytest.approx(theory.saddle_risk(rank, d, STUDY), abs=1e-12)
    slope = torch.autograd.grad(found, weights)[0]
    assert slope[range(rank), range(rank)].abs().max() < 1e-12
