"""The regression network: its shortcuts change nothing, and its context is a set."""

from dataclasses import replace

import pytest
import torch

from mechanics.models import regression
from mechanics.models.prompts import Prompts, sample_prompts, shorten, stack_prompts
from mechanics.models.transformer import Architecture, initialise

D = 3
ARCHITECTURES = {
    "linear_L1": Architecture("linear", 1, 1, D + 1, D + 1, 0, False, False),
    "linear_2heads": Architecture("linear", 1, 2, D + 1, D + 1, 0, False, False),
    "linear_L3": Architecture("linear", 3, 1, D + 1, D + 1, 0, False, False),
    "linear_zeros": Architecture(
        "linear", 2, 1, D + 1, D + 1, 0, False, False, zero_tokens=4, y_scale=0.5
    ),
    "softmax_L1": Architecture("softmax", 1, 2, D + 1, D + 1, 0, False, False),
    "deep": Architecture("softmax", 2, 2, 8, 4, 16, True, True),
    "deep_no_skip": Architecture("softmax", 2, 2, 8, 4, 16, True, True, skips=False),
    "linear_embedded": Architecture("linear", 2, 2, 8, 4, 16, True, True),
}


def setup(name, n_seeds=2):
    architecture = ARCHITECTURES[name]
    shapes = regression.parameter_shapes(architecture, D)
    own = [initialise(shapes, 0.5, torch.Generator().manual_seed(seed)) for seed in range(n_seeds)]
    parameters = {key: torch.stack([o[key] for o in own]).double() for key in shapes}
    prompts = stack_prompts([sample_prompts("prompts", r, 0, 5, 8, 2, D) for r in range(n_seeds)])
    return architecture, parameters, prompts.double()


def same(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_context_is_a_set_of_its_length_and_test_points_do_not_see_each_other(name):
    architecture, parameters, prompts = setup(name)
    order = torch.randperm(8, generator=torch.Generator().manual_seed(0))
    x, y, x_test, y_test = prompts.x, prompts.y, prompts.x_test, prompts.y_test
    masked = shorten(prompts, torch.full((2, 5), 4))
    short = Prompts(x[:, :, :4], y[:, :, :4], x_test, y_test)
    permuted = Prompts(x[:, :, order], y[:, :, order], x_test, y_test)
    first = Prompts(x, y, x_test[:, :, :1], y_test[:, :, :1])
    whole, of_masked, of_short, of_permuted, of_first = (
        regression.forward(parameters, own, architecture)
        for own in (prompts, masked, short, permuted, first)
    )
    same(of_masked, of_short)
    same(of_permuted, whole)
    same(of_first, whole[..., :1])


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("masked", [False, True])
def test_shortcuts_of_training_equal_the_common_blocks(name, masked):
    architecture, parameters, prompts = setup(name)
    if masked:
        prompts = shorten(prompts, torch.tensor([[8, 1, 3, 5, 8], [2, 2, 7, 8, 4]]))
    cache = {}
    same(
        regression.forward(parameters, prompts, architecture),
        regression.run(parameters, prompts, architecture, cache),
    )
    last = cache[f"blocks.{architecture.n_layers - 1}.hook_resid_post"][:, :, 8:]
    assert (
        regression.read_out(last, parameters, architecture)
        == regression.run(parameters, prompts, architecture)
    ).all()


def test_zero_tokens_are_tokens_of_zeros_and_a_scaled_y_is_a_prompt_of_that_scale():
    architecture, parameters, prompts = setup("linear_zeros")
    found = regression.forward(parameters, prompts, architecture)
    pad = torch.nn.functional.pad
    appended = replace(prompts, x=pad(prompts.x, (0, 0, 0, 4)), y=pad(prompts.y, (0, 4)))
    without = replace(architecture, zero_tokens=0)
    same(found, regression.forward(parameters, appended, without))
    scaled, unscaled = replace(prompts, y=prompts.y * 0.5), replace(architecture, y_scale=1.0)
    same(found * 0.5, regression.forward(parameters, scaled, unscaled))
