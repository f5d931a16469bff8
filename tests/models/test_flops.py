"""The closed forms are what PyTorch's counter finds."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from mechanics.models import addition, regression
from mechanics.models.block import Architecture, initialise
from mechanics.models.flops import addition_flops, regression_flops
from mechanics.tasks.linear_regression import sample_prompts


def counted(forward, shapes, inputs, architecture):
    own = initialise(shapes, 0.1, torch.Generator().manual_seed(0))
    parameters = {name: tensor[None] for name, tensor in own.items()}
    with FlopCounterMode(display=False) as counter:
        forward(parameters, inputs, architecture)
    return counter.get_total_flops()


@pytest.mark.parametrize("kind", ["linear", "softmax"])
@pytest.mark.parametrize("n_layers", [1, 3, 6])
@pytest.mark.parametrize("n_heads", [1, 2, 4])
@pytest.mark.parametrize(("k", "n_queries"), [(1, 1), (7, 1), (7, 3)])
@pytest.mark.parametrize(
    ("d_mlp", "layer_norm", "embedded"),
    [(0, False, False), (0, False, True), (12, False, True), (0, True, True), (12, True, True)],
)
def test_regression(kind, n_layers, n_heads, k, n_queries, d_mlp, layer_norm, embedded):
    d = 3
    d_model, d_head = (8, 8 // n_heads) if embedded else (d + 1, d + 1)
    architecture = Architecture(
        kind, n_layers, n_heads, d_model, d_head, d_mlp, layer_norm, embedded
    )
    shapes = regression.parameter_shapes(architecture, d)
    prompts = sample_prompts("prompts", 0, 0, 1, k, n_queries, d)
    found = counted(regression.forward, shapes, prompts, architecture)
    assert regression_flops(architecture, d, k, n_queries) == found


@pytest.mark.parametrize("kind", ["linear", "softmax"])
@pytest.mark.parametrize("n_layers", [1, 3, 6])
@pytest.mark.parametrize("n_heads", [1, 2, 4])
@pytest.mark.parametrize("layer_norm", [False, True])
def test_addition(kind, n_layers, n_heads, layer_norm):
    architecture = Architecture(kind, n_layers, n_heads, 8, 8 // n_heads, 12, layer_norm)
    shapes = addition.parameter_shapes(architecture, 5)
    pairs = torch.tensor([[[1, 2]]])
    found = counted(addition.forward_full_sequence, shapes, pairs, architecture)
    assert addition_flops(architecture, 5) == found


def test_one_linear_layer_by_hand():
    # d = 1, k = 2: tokens [x; y] of width 2, one head of width 2, one test point
    architecture = Architecture("linear", 1, 1, 2, 2, 0, False, embedded=False)
    moments, W_QK, two_rows_twice = 2 * 2 * 2 * 2, 2 * 2 * 2 * 2, 4 * (2 * 1 * 2 * 2)
    assert regression_flops(architecture, d=1, k=2) == moments + W_QK + two_rows_twice
