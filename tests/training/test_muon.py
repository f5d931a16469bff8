"""Muon: what Newton–Schulz makes of a matrix, and steps equal to those of torch."""

import pytest
import torch

from mechanics.models.transformer import Architecture, block_shapes
from mechanics.training.muon import Muon, as_matrix, is_hidden, orthogonalised
from mechanics.training.optimiser import AdamW, flatten, unflatten

NETWORK = Architecture("softmax", 1, 2, 8, 4, 12, True)
SHAPES = {"embed.W_E": (5, 8), **block_shapes(NETWORK, 0), "unembed.W_U": (8, 1)}
HIDDEN = [f"blocks.0.attn.W_{letter}" for letter in "QKVO"]
HIDDEN += ["blocks.0.mlp.W_in", "blocks.0.mlp.W_out"]
SETTINGS = {"weight_decay": 0.0, "betas": (0.95, 0.999), "gradient_clip": 1.0}


def draw(n_seeds: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    own = [torch.randn(n_seeds, *shape, generator=generator) for shape in SHAPES.values()]
    return flatten(dict(zip(SHAPES, own, strict=True))).double()


def trained(weights: torch.Tensor, gradients: list[torch.Tensor]) -> Muon:
    optimiser = Muon(weights.clone(), **SETTINGS, shapes=SHAPES, rate=20.0)
    for gradient in gradients:
        optimiser.update(gradient, 1e-3)
    return optimiser


@pytest.mark.parametrize("shape", [(6, 6), (6, 20), (20, 6)])
def test_newton_schulz_keeps_the_directions_and_brings_singular_values_near_one(shape):
    """The bounds are those of the polynomial, five times over, on [.002, 1]."""
    generator = torch.Generator().manual_seed(0)
    U, _, Vh = torch.linalg.svd(torch.randn(shape, generator=generator).double(), False)
    S = torch.logspace(-2.4, 0, 6, dtype=torch.float64)  # norm 1.06
    found = U.T @ orthogonalised(U @ S.diag() @ Vh) @ Vh.T
    torch.testing.assert_close(found, found.diag().diag(), atol=1e-12, rtol=0)
    assert found.diag().min() > 0.68
    assert found.diag().max() < 1.21


def test_heads_lie_side_by_side_in_one_matrix():
    weights = unflatten(draw(2, 0), SHAPES)
    assert [name for name in SHAPES if is_hidden(name)] == HIDDEN
    W_Q, W_O = weights[HIDDEN[0]], weights[HIDDEN[3]]
    assert torch.equal(as_matrix(HIDDEN[0], W_Q)[1, :, 4:], W_Q[1, 1])  # head 1: in, d_head
    assert torch.equal(as_matrix(HIDDEN[3], W_O)[1, 4:], W_O[1, 1])  # head 1: d_head, out


def test_equals_torch_on_hidden_matrices_and_adam_on_the_rest(monkeypatch):
    """torch orthogonalises in bfloat16, here made to keep float64, and takes [out, in]."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda self: self.clone())
    start, gradients = draw(1, 0), [draw(1, seed) for seed in (1, 2, 3)]
    found = unflatten(trained(start, gradients).weights, SHAPES)
    adam = AdamW(start.clone(), **SETTINGS)
    theirs = {
        name: as_matrix(name, unflatten(start, SHAPES)[name])[0].T.clone().requires_grad_()
        for name in HIDDEN
    }
    muon = torch.optim.Muon(theirs.values(), lr=0.02, weight_decay=0.0, momentum=0.95)
    for gradient in gradients:
        adam.update(gradient, 1e-3)
        clipped = unflatten(gradient / gradient.norm(), SHAPES)
        for name, matrix in theirs.items():
            matrix.grad = as_matrix(name, clipped[name])[0].T
        muon.step()
    for name, weights in unflatten(adam.weights, SHAPES).items():
        if name in HIDDEN:
            own = as_matrix(name, found[name])[0].T
            torch.testing.assert_close(own, theirs[name].detach(), atol=1e-12, rtol=0)
        else:
            assert torch.equal(found[name], weights)


def test_no_hidden_weight_counts_as_one_whose_step_epsilon_sets():
    optimiser = trained(draw(1, 0), [1e-12 * draw(1, 1)])
    n_hidden = sum(torch.Size(SHAPES[name]).numel() for name in HIDDEN)
    expected = 1 - n_hidden / optimiser.weights.shape[1]
    assert optimiser.below_epsilon().item() == pytest.approx(expected)
