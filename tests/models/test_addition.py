"""The addition network: collapsed and full-sequence forms are one function."""

from dataclasses import replace

import pytest
import torch
from jaxtyping import TypeCheckError

from mechanics.addition.pairs import all_pairs
from mechanics.models import addition
from mechanics.models.transformer import Architecture, initialise


def network(kind="softmax", n_layers=1, layer_norm=False, p=113, d_model=128, n_seeds=2):
    architecture = Architecture(kind, n_layers, 4, d_model, d_model // 4, 4 * d_model, layer_norm)
    shapes = addition.parameter_shapes(architecture, p)
    own = [
        initialise(shapes, d_model**-0.5, torch.Generator().manual_seed(seed))
        for seed in range(n_seeds)
    ]
    return architecture, {name: torch.stack([o[name] for o in own]) for name in shapes}


@pytest.mark.parametrize("kind", ["linear", "softmax"])
@pytest.mark.parametrize(("n_layers", "layer_norm"), [(1, False), (3, True)])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
def test_collapsed_equals_full_sequence(kind, n_layers, layer_norm, dtype, tolerance):
    architecture, parameters = network(kind, n_layers, layer_norm)
    parameters = {name: tensor.to(dtype) for name, tensor in parameters.items()}
    chosen = torch.randint(113 * 113, (2, 300), generator=torch.Generator().manual_seed(0))
    pairs = all_pairs(113)[chosen]
    collapsed = addition.forward(parameters, pairs, architecture)
    full = addition.run(parameters, pairs, architecture)[:, :, -1]
    torch.testing.assert_close(collapsed, full, atol=tolerance, rtol=tolerance)


def test_gradients_of_both_forms_agree():
    architecture, parameters = network(p=11, d_model=16, n_layers=2, layer_norm=True)
    pairs = all_pairs(11)[None].expand(2, -1, -1)
    leaves = {n: t.double().requires_grad_() for n, t in parameters.items()}
    collapsed = addition.forward(leaves, pairs, architecture).square().sum()
    full = addition.run(leaves, pairs, architecture)[:, :, -1].square().sum()
    for ours, plain in zip(
        torch.autograd.grad(collapsed, list(leaves.values())),
        torch.autograd.grad(full, list(leaves.values())),
        strict=True,
    ):
        torch.testing.assert_close(ours, plain, atol=1e-10, rtol=1e-10)


def test_wrong_shape_of_pairs_is_refused():
    architecture, parameters = network(p=11, d_model=16)
    with pytest.raises(TypeCheckError):
        addition.forward(parameters, all_pairs(11), architecture)


def test_products_of_the_mlp_are_rounded_to_mlp_dtype_and_nothing_else():
    architecture, parameters = network()
    rounded = replace(architecture, mlp_dtype=torch.bfloat16)
    pairs = all_pairs(113)[None, :500].expand(2, -1, -1)
    logits = addition.forward(parameters, pairs, architecture)
    found = addition.forward(parameters, pairs, rounded)
    error = (found - logits).norm() / logits.norm()
    assert 2**-12 < error < 2**-7  # bfloat16 has 8 bits
    without = {name: 0 * t if ".mlp." in name else t for name, t in parameters.items()}
    assert torch.equal(
        addition.forward(without, pairs, rounded), addition.forward(without, pairs, architecture)
    )
