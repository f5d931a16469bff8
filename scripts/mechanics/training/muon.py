"""Muon for the matrices of the blocks, Adam for all other weights (Jordan et al. 2024, "Muon").

A matrix moves by its averaged gradient with all singular values brought near 1.
``torch.optim.Muon`` does so for single parameters of two dimensions, in bfloat16. Here the heads of
a layer are one matrix, a stack's matrices go through one product, and their momentum is Adam's
mean, so that the state to save is Adam's. A test holds the steps equal.
"""

from collections import defaultdict
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.training.optimiser import AdamW, unflatten

# of a s + b s³ + c s⁵: small singular values s come near 1 in few rounds, none comes to 1
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ROUNDS = 5


def orthogonalised(matrices: Float[Tensor, "*batch rows columns"]) -> Tensor:
    """U S′ Vᵀ of each matrix U S Vᵀ: S′ lies in (.68, 1.21) for S above .002 of the matrix's norm.

    Newton–Schulz: an odd polynomial of a matrix is that polynomial of its singular values.
    """
    a, b, c = COEFFICIENTS
    wide = matrices.mT if matrices.shape[-2] > matrices.shape[-1] else matrices
    wide = wide / wide.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    for _ in range(ROUNDS):
        gram = wide @ wide.mT
        wide = a * wide + (b * gram + c * (gram @ gram)) @ wide
    return wide.mT if matrices.shape[-2] > matrices.shape[-1] else wide


def is_hidden(name: str) -> bool:
    """Whether a weight is a matrix between two layers of neurons: no embedding, bias or scale."""
    return ".attn.W_" in name or ".mlp.W_" in name


def inputs_first(name: str, weights: Float[Tensor, "seed *shape"]) -> Tensor:
    """A view whose dimensions are the seed, those of the inputs, those of the outputs."""
    return weights.transpose(1, 2) if name[-1] in "QKV" else weights


def as_matrix(name: str, weights: Float[Tensor, "seed *shape"]) -> Float[Tensor, "seed in out"]:
    """The heads of Q, K and V side by side in the columns, those of O below each other."""
    ordered = inputs_first(name, weights)
    return ordered.flatten(2) if name[-1] in "QKV" else ordered.flatten(1, -2)


@dataclass
class Muon(AdamW):
    """``AdamW`` whose hidden matrices take steps of Muon, ``rate`` times the learning rate long.

    Its momentum is Adam's first beta, with Nesterov's look ahead. A step of a matrix is scaled by
    √(outputs / inputs) where there are more outputs, as Jordan does.
    """

    shapes: dict[str, tuple[int, ...]] = field(kw_only=True)
    rate: float = field(kw_only=True)

    def _move(self, gradient: Float[Tensor, "seed weight"], learning_rate: float) -> None:
        super()._move(gradient, learning_rate)
        ahead = unflatten(gradient.lerp(self.mean, self.betas[0]), self.shapes)
        weights = unflatten(self.weights, self.shapes)
        alike = defaultdict(list)
        for name in filter(is_hidden, self.shapes):
            matrix = as_matrix(name, ahead[name])
            alike[matrix.shape].append((name, matrix))
        for (_, n_in, n_out), group in alike.items():
            length = self.rate * learning_rate * max(1.0, n_out / n_in) ** 0.5
            steps = orthogonalised(torch.stack([matrix for _, matrix in group]))
            for (name, _), step in zip(group, steps, strict=True):
                own = inputs_first(name, weights[name])
                own.sub_(step.reshape(own.shape), alpha=length)

    def _root_mean_square(self) -> Float[Tensor, "seed weight"]:
        """Infinite for hidden matrices: Adam does not move them, and no ε sets their steps."""
        size = super()._root_mean_square()
        for name, own in unflatten(size, self.shapes).items():
            if is_hidden(name):
                own.fill_(torch.inf)
        return size
