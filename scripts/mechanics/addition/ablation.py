"""How well logits answer, which frequencies the answers need, and which suffice.

The directions of frequency k are cos ω_k (a + b) and sin ω_k (a + b) over the pairs, ω_k = 2πk/p
(Nanda et al. 2023, sec. 4.4, 5 and 5.1). Removing them leaves what of frequency k is not a function
of a + b alone: a clock whose amplitude depends on a − b keeps how that deviates from its mean.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mechanics.addition.activations import neuron_logits
from mechanics.addition.fourier import (
    Logits,
    Spectrum,
    along_sum,
    frequencies,
    frequency_shares,
    sum_spectrum,
)
from mechanics.addition.pairs import all_pairs, cross_entropy, targets
from mechanics.models.weights import Network

NAN = {"loss": math.nan, "accuracy": math.nan, "min_margin": math.nan}  # of ``over_all``


@dataclass(frozen=True)
class Answers:
    """How well logits answer each pair; nan where they are not numbers. A tie is no answer."""

    loss: Float[Tensor, "pair"]
    right: Float[Tensor, "pair"]
    margin: Float[Tensor, "pair"]  # correct logit minus the largest other one

    def over(self, members: Bool[Tensor, "pair"]) -> dict[str, float]:
        """Mean loss (nats) and accuracy over these pairs; nan if there are none."""
        loss, right = self.loss[members], self.right[members]
        return {"loss": float(loss.mean()), "accuracy": float(right.mean())}

    def min_margin(self, members: Bool[Tensor, "pair"]) -> float:
        """The smallest margin over these pairs; nan if there are none."""
        return float(self.margin[members].min()) if members.any() else math.nan

    def over_all(self) -> dict[str, float]:
        """Mean loss, accuracy and minimum margin over all pairs."""
        every = torch.ones(len(self.loss), dtype=torch.bool)
        return self.over(every) | {"min_margin": self.min_margin(every)}


def judge(
    logits: Float[Tensor, "pair token"], correct: Int[Tensor, " pair"] | None = None
) -> Answers:
    """How logits answer all p² pairs, or rows whose ``correct`` answers are given."""
    p = logits.shape[-1]
    correct = (targets(all_pairs(p), p) if correct is None else correct).to(logits.device)
    loss = cross_entropy(logits, correct)
    others = logits.scatter(-1, correct[:, None], float("-inf")).amax(dim=-1)
    margin = logits.gather(-1, correct[:, None])[:, 0] - others
    right = torch.where(margin.isnan(), torch.nan, (margin > 0).double())
    return Answers(loss.cpu(), right.cpu(), margin.cpu())


def key_spectrum(network: Network, logits: Logits) -> Spectrum:
    """The shares by which key frequencies are chosen: of W_L, or else ``sum_spectrum``."""
    if network.architecture.reads_neurons_directly:
        return frequency_shares(neuron_logits(network.weights, network.architecture).T)
    return sum_spectrum(logits)


def restricted_logits(logits: Logits, keys: Sequence[int]) -> Logits:
    """What the key frequencies say of a + b, and the mean over pairs; all else is taken away.

    The average over all pairs of a sum lends what a network knows of some pairs to the others: a
    memorised network is right everywhere with all frequencies, and partly with three. Read it
    beside what other frequencies alone answer and what is lost without these.
    """
    return along_sum(logits, keys) + logits.double().mean(dim=0)


def excluded_logits(logits: Logits, keys: Sequence[int]) -> Logits:
    """The logits without what these key frequencies say of a + b."""
    return logits.double() - along_sum(logits, keys)


def formula_answers(
    amplitudes: Float[Tensor, "*set frequency"], p: int
) -> tuple[Float[Tensor, "*set"], Float[Tensor, "*set"]]:
    """Loss (nats) and margin of Σ_k α_k cos ω_k (a + b − c): the same for all pairs.

    Any single frequency answers every pair of a prime p, with the margin α (1 − cos(2π/p)):
    0.0015 α for p = 113. More frequencies buy margin, that is, loss, for the same Σ α_k.
    """
    k = torch.tensor(list(frequencies(p)), dtype=torch.float64)
    cosines = torch.cos(2 * torch.pi / p * k[:, None] * torch.arange(p))
    profile = amplitudes.double() @ cosines  # over d = a + b − c
    loss = profile.logsumexp(dim=-1) - profile[..., 0]
    return loss, profile[..., 0] - profile[..., 1:].amax(dim=-1)


def formula_over_all(loss: Float[Tensor, ""], margin: Float[Tensor, ""]) -> dict[str, float]:
    """As ``Answers.over_all``, for a single formula."""
    accuracy = math.nan if margin.isnan() else float(margin > 0)
    return {"loss": float(loss), "accuracy": accuracy, "min_margin": float(margin)}


def random_sets(
    candidates: Sequence[int], size: int, number: int, generator: torch.Generator
) -> list[list[int]]:
    """``number`` random sets of ``size`` candidates, none if there are too few candidates."""
    if len(candidates) < size:
        return []
    orders = [torch.randperm(len(candidates), generator=generator) for _ in range(number)]
    return [sorted(candidates[i] for i in order[:size].tolist()) for order in orders]
