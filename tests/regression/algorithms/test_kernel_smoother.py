"""Kernel smoothers agree with each other, with softmax attention and with their limits."""

import pytest
import torch
from monte_carlo import draw_prompts
from torch.nn.functional import normalize

from mechanics.models import regression
from mechanics.models.prompts import Prompts
from mechanics.models.transformer import Architecture
from mechanics.regression.algorithms.kernel_smoother import (
    dot_product_smoother,
    gaussian_smoother,
    nearest_neighbours,
    two_head_smoother,
)

EXACT = {"atol": 1e-12, "rtol": 1e-12}


def test_gaussian_weights_are_those_of_the_distances():
    prompts = draw_prompts(3, 6, n_prompts=4, n_queries=2)
    distances = prompts.x_test[..., :, None, :] - prompts.x[..., None, :, :]
    weights = (-distances.square().sum(-1) / (2 * 0.8**2)).exp()
    expected = (weights @ prompts.y[..., None])[..., 0] / weights.sum(-1)
    torch.testing.assert_close(gaussian_smoother(prompts, 0.8), expected, **EXACT)


def test_the_kernels_are_one_where_all_points_have_the_same_norm():
    prompts = draw_prompts(3, 6, n_prompts=4)
    prompts = Prompts(normalize(prompts.x, dim=-1), prompts.y, prompts.x_test, prompts.y_test)
    expected = gaussian_smoother(prompts, 0.5)
    torch.testing.assert_close(dot_product_smoother(prompts, 1 / 0.5**2), expected, **EXACT)


def test_constructed_softmax_heads_are_dot_product_smoothers():
    d = 3
    prompts = draw_prompts(d, 6, n_prompts=4, n_queries=2)
    architecture = Architecture("softmax", 1, 2, d + 1, d + 1, 0, False, False)
    identity = torch.eye(d + 1, dtype=torch.float64)
    x, y = identity.clone(), torch.zeros_like(identity)
    x[d, d], y[d, d] = 0.0, 1.0
    heads = {"Q": (x, -x), "K": (x, x), "V": (identity, identity), "O": (-1.5 * y, 1.5 * y)}
    parameters = {f"blocks.0.attn.W_{name}": torch.stack(w)[None] for name, w in heads.items()}
    torch.testing.assert_close(
        regression.forward(parameters, prompts, architecture),
        two_head_smoother(prompts, architecture.score_scale, 1.5),
        **EXACT,
    )


def test_two_heads_of_small_omega_take_a_step_on_the_centred_context():
    prompts = draw_prompts(3, 6, n_prompts=4)
    centred = prompts.x - prompts.x.mean(dim=-2, keepdim=True)
    weights = centred.transpose(-1, -2) @ prompts.y[..., None] / 6
    expected = (prompts.x_test @ weights)[..., 0]
    predictions = two_head_smoother(prompts, 1e-4, 1 / (2 * 1e-4))
    torch.testing.assert_close(predictions, expected, atol=1e-6, rtol=1e-6)


def test_nearest_neighbours_average_the_nearest():
    x = torch.tensor([[0.0], [1.0], [2.0], [10.0]])[None, None]
    y = torch.tensor([1.0, 3.0, 5.0, 7.0])[None, None]
    prompts = Prompts(x, y, torch.tensor([[0.9], [9.0]])[None, None], torch.zeros(1, 1, 2))
    assert nearest_neighbours(prompts, 1).flatten().tolist() == [3.0, 7.0]
    assert nearest_neighbours(prompts, 2).flatten().tolist() == [2.0, 6.0]


@pytest.mark.parametrize("smoother", [gaussian_smoother, dot_product_smoother])
def test_a_sharp_kernel_on_the_sphere_copies_the_nearest_neighbour(smoother):
    prompts = draw_prompts(3, 6, n_prompts=4)
    prompts = Prompts(normalize(prompts.x, dim=-1), prompts.y, prompts.x_test, prompts.y_test)
    sharpness = 1e-3 if smoother is gaussian_smoother else 1e6
    torch.testing.assert_close(smoother(prompts, sharpness), nearest_neighbours(prompts, 1))


@pytest.mark.parametrize("n_neighbours", [0, 7])
def test_neighbours_beyond_the_context_are_refused(n_neighbours):
    with pytest.raises(ValueError, match="context of 6 points"):
        nearest_neighbours(draw_prompts(3, 6), n_neighbours)


def test_a_bandwidth_of_zero_is_refused():
    with pytest.raises(ValueError, match="must be positive"):
        gaussian_smoother(draw_prompts(3, 6), 0.0)
