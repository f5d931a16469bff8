"""The algebra of moments is the network on sampled prompts."""

from dataclasses import replace

import pytest
import torch
from gradient_steps import gradient_steps

from mechanics.models import moments, regression
from mechanics.models.prompts import sample_prompts, shorten, squared_errors
from mechanics.models.transformer import Architecture, initialise, standard_tokens

D = 3
ARCHITECTURE = Architecture("linear", 3, 1, D + 1, D + 1, 0, False, False)
STANDARD = replace(ARCHITECTURE, **standard_tokens(D))


def replica():
    shapes = regression.parameter_shapes(ARCHITECTURE, D)
    own = initialise(shapes, 0.25, torch.Generator().manual_seed(0))
    return {name: tensor[None].double() for name, tensor in own.items()}


@pytest.mark.parametrize("architecture", [ARCHITECTURE, STANDARD])
def test_error_is_that_of_the_network_on_the_prompts_with_these_moments(architecture):
    drawn = sample_prompts("prompts", 0, 0, 6, 8, 1, D).double()
    prompts = shorten(drawn, torch.tensor([[1, 2, 3, 5, 7, 8]]))
    w = torch.randn(1, 6, D, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    context_y = (prompts.x @ w[..., None])[..., 0]
    axes = torch.eye(D, dtype=torch.float64).expand(1, 6, D, D)  # ŷ there is ŵ itself
    prompts = replace(prompts, y=context_y, x_test=axes, y_test=w)
    found = moments.squared_errors(replica(), moments.moments_of(prompts, w), architecture)
    predictions = regression.forward(replica(), prompts, architecture)
    expected = D * squared_errors(predictions, prompts)  # a sum over the axes, not their mean
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("noise", [0.0, 4.0])
@pytest.mark.parametrize("k", [2, 5])
def test_drawn_moments_have_the_law_of_those_of_sampled_prompts(k, noise):
    n, (weights, layer) = 20000, gradient_steps([0.4], D)  # its risk depends on the moments
    drawn = moments.draw_moments("prompts", 0, 0, torch.full((n,), k), D, noise=noise)
    prompts = sample_prompts("prompts", 1, 0, n, k, 1, D, noise)
    exact = moments.squared_errors(weights, double(drawn), layer)[0]
    sampled = squared_errors(regression.forward(weights, prompts.double(), layer), prompts)[0]
    error = (exact.var() / n + sampled.var() / n).sqrt()
    assert (exact.mean() - sampled.mean()).abs() < 4 * error
    assert error < 0.05 * sampled.mean()


def test_moments_have_the_rank_and_the_mean_of_a_wishart_matrix_and_are_not_for_softmax():
    drawn = moments.draw_moments("prompts", 0, 0, torch.tensor([2] * 4000), D)
    assert (torch.linalg.matrix_rank(drawn.scatter[0, :9].double(), rtol=1e-5) == 2).all()
    torch.testing.assert_close(drawn.scatter[0].mean(0), 2 * torch.eye(D), atol=0.2, rtol=0)
    with pytest.raises(ValueError, match="only one head of linear attention"):
        moments.squared_errors(replica(), drawn, replace(ARCHITECTURE, attention="softmax"))


def test_noise_lies_in_the_span_of_the_context_and_beside_it():
    lengths = torch.tensor([2] * 4000 + [7] * 4000)
    drawn = double(moments.draw_moments("prompts", 0, 0, lengths, D, noise=0.5))
    within = torch.linalg.pinv(drawn.scatter, rtol=1e-5) @ drawn.x_noise[..., None]
    explained = (drawn.x_noise * within[..., 0]).sum(-1)[0] / 0.5  # χ² of rank X degrees
    outside = drawn.noise_power[0] / 0.5 - explained
    assert explained.view(2, -1).mean(-1).tolist() == pytest.approx([2, 3], rel=0.1)
    torch.testing.assert_close(outside[:4000], torch.zeros(4000).double(), atol=1e-3, rtol=0)
    assert outside[4000:].mean() == pytest.approx(4, rel=0.1)


def double(drawn):
    own = (drawn.scatter.double(), drawn.w.double(), drawn.k)
    noisy = () if drawn.x_noise is None else (drawn.x_noise.double(), drawn.noise_power.double())
    return moments.Moments(*own, *noisy)
