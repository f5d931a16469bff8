"""Merged weights of layers that were built to be steps, and the exact risk of any."""

from dataclasses import replace

import pytest
import torch
from gradient_steps import merged_heads, merged_step, token_layers
from monte_carlo import assert_within_error

from mechanics.models import regression
from mechanics.models.prompts import embed, sample_prompts, squared_errors
from mechanics.models.transformer import initialise, standard_tokens
from mechanics.regression.effective_weights import (
    exact_risk,
    isotropy_distance,
    preconditioner,
    step_size,
)

D = 3
LAYER = token_layers()


def test_preconditioner_is_read_back():
    gamma = torch.randn(D, D, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = preconditioner(merged_heads(*merged_step(gamma)), LAYER)
    torch.testing.assert_close(found[0], gamma, atol=1e-12, rtol=0)


def test_keys_that_read_y_and_values_that_read_x_are_seen():
    match, write = merged_step(torch.zeros(D, D))
    match[0, 0, D], write[0, 1, D] = 2, -3
    found = preconditioner(merged_heads(match, write), LAYER)[0]
    assert found[0, 1].item() == pytest.approx(6) and found.count_nonzero() == 1


def test_plain_step_is_isotropic_and_a_one_sided_one_is_not():
    gamma = 0.4 * torch.eye(D, dtype=torch.float64)[None]
    assert step_size(gamma).item() == pytest.approx(0.4)
    assert isotropy_distance(gamma).item() == pytest.approx(0, abs=1e-12)
    gamma = torch.diag(torch.tensor([1.0, 0.0, 0.0])).double()[None]
    assert isotropy_distance(gamma).item() == pytest.approx((2 / 3) ** 0.5)


@pytest.mark.parametrize(("k", "noise"), [(2, 0.0), (7, 0.0), (4, 0.5)])
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


@pytest.mark.parametrize(
    ("read", "change", "words"),
    [
        (preconditioner, {"n_layers": 2}, "one layer of linear attention"),
        (preconditioner, {"attention": "softmax"}, "one layer of linear attention"),
        (lambda *own: exact_risk(*own, D, 5), {"n_layers": 2}, "one head of one linear layer"),
        (lambda *own: exact_risk(*own, D, 5), {"n_heads": 2}, "one head of one linear layer"),
    ],
)
def test_other_networks_are_refused(read, change, words):
    with pytest.raises(ValueError, match=words):
        read({}, replace(LAYER, **change))
