"""Modular addition: all p² equations a + b = c (mod p), their split, and the loss.

The loss is a cross-entropy in float64: in float32 the softmax of a network that is nearly sure
underflows once the loss is about 1e-7, and training shows false "slingshots" (Nanda et al. 2023).
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mechanics.runtime.seeds import generator


def all_pairs(p: int) -> Int[Tensor, "pair 2"]:
    """Every (a, b), b running fastest."""
    numbers = torch.arange(p)
    return torch.cartesian_prod(numbers, numbers)


def targets(pairs: Int[Tensor, "*batch 2"], p: int) -> Int[Tensor, "*batch"]:
    """c = (a + b) mod p, e.g. (100, 20) -> 7 for p = 113."""
    return pairs.sum(dim=-1) % p


def training_mask(p: int, train_fraction: float, replica: int) -> Bool[Tensor, "pair"]:
    """Which of ``all_pairs(p)`` are trained on: a random ``train_fraction`` of them.

    The number is rounded down: 3,830 of 12,769 for p = 113 and 0.3.
    """
    order = torch.randperm(p * p, generator=generator("split", replica))
    mask = torch.zeros(p * p, dtype=torch.bool)
    mask[order[: int(train_fraction * p * p)]] = True
    return mask


def swapped_in_training(mask: Bool[Tensor, "pair"], p: int) -> Bool[Tensor, "pair"]:
    """Whether (b, a) is trained on: such a validation pair could be answered by symmetry alone."""
    return mask.view(p, p).T.flatten()


def cross_entropy(
    logits: Float[Tensor, "*batch token"], correct: Int[Tensor, "*batch"]
) -> Float[Tensor, "*batch"]:
    """−log softmax(logits)[correct] in float64."""
    log_probability = logits.double().log_softmax(dim=-1)
    return -log_probability.gather(-1, correct[..., None])[..., 0]


class _MeanCrossEntropy(torch.autograd.Function):
    """The loss and its gradient from one exponential, in float64."""

    @staticmethod
    def forward(ctx, logits, correct):
        shifted = logits.double()
        shifted = shifted - shifted.amax(dim=-1, keepdim=True)
        of_correct = shifted.gather(-1, correct[..., None])
        probability = shifted.exp_()
        total = probability.sum(dim=-1, keepdim=True)
        loss = (total.log() - of_correct)[..., 0].mean(dim=-1)
        probability /= total
        probability.scatter_add_(-1, correct[..., None], -torch.ones_like(of_correct))
        ctx.save_for_backward(probability.to(logits.dtype))
        return loss

    @staticmethod
    def backward(ctx, gradient):
        (of_logits,) = ctx.saved_tensors
        scale = gradient / of_logits.shape[-2]
        return of_logits * scale[..., None, None].to(of_logits.dtype), None


def mean_cross_entropy(
    logits: Float[Tensor, "*seed pair token"], correct: Int[Tensor, "*seed pair"]
) -> Float[Tensor, "*seed"]:
    """``cross_entropy`` averaged over the pairs, in half of autograd's time."""
    return _MeanCrossEntropy.apply(logits, correct)


def grokking_step(steps: list[int], accuracy: list[float], threshold: float) -> int | None:
    """First measured step from which accuracy stays at or above ``threshold``; None if it never.

    >>> grokking_step([0, 100, 200, 300], [0.1, 0.995, 0.98, 0.999], 0.99)
    300
    """
    below = [i for i, value in enumerate(accuracy) if not value >= threshold]
    first = below[-1] + 1 if below else 0
    return steps[first] if first < len(steps) else None
