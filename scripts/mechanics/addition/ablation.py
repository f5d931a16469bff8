"""Which frequencies and neurons the answers of an addition network need, and which suffice.

Logits are those of all p² pairs at "=", b running fastest, in float64. The directions of frequency
k are cos ω_k (a + b) and sin ω_k (a + b) over the pairs, ω_k = 2πk/p (Nanda et al. 2023, sec. 4.4
and 5.1). Removing them leaves what of frequency k is not a function of a + b alone: a clock whose
amplitude depends on a − b keeps the deviations of that amplitude from its mean.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mechanics.addition.fourier import fourier_basis, frequencies, sum_means, waves
from mechanics.addition.pairs import all_pairs, cross_entropy, targets

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


def without_neurons(
    logits: Float[Tensor, "pair token"],
    hook_post: Float[Tensor, "pair d_mlp"],
    W_L: Float[Tensor, "d_mlp token"],
    removed: Bool[Tensor, " d_mlp"],
) -> Float[Tensor, "pair token"]:
    """The logits with the removed neurons at their mean over the pairs (one layer, no LayerNorm).

    With ``removed = NeuronFrequencies.frequency == k``: without the cluster of frequency k.
    """
    own = hook_post[:, removed]
    return logits - (own - own.mean(dim=0)) @ W_L[removed]


def with_first_neurons(
    logits: Float[Tensor, "pair token"],
    hook_post: Float[Tensor, "pair d_mlp"],
    W_L: Float[Tensor, "d_mlp token"],
    order: Int[Tensor, " d_mlp"],
    sizes: Sequence[int],
) -> Iterator[Float[Tensor, "pair token"]]:
    """The logits with the first n neurons of an order, the others at their mean, n in ``sizes``.

    ``sizes`` must increase: each step adds the next neurons to what is there.
    """
    centred = hook_post - hook_post.mean(dim=0)
    kept, present = logits - centred @ W_L, 0
    for size in sizes:
        new = order[present:size]
        kept, present = kept + centred[:, new] @ W_L[new], size
        yield kept


def rebuilt_logits(
    hook_post: Float[Tensor, "pair d_mlp"],
    W_L: Float[Tensor, "d_mlp token"],
    keys: Sequence[int],
) -> Float[Tensor, "pair token"]:
    """Σ_k (hook_post · u_k) cos ω_k c + (hook_post · v_k) sin ω_k c, and nothing else.

    u_k and v_k are W_L's Fourier components over c. Attention's direct path, the biases and all of
    W_L outside the 2|K| directions are gone (Nanda et al. 2023, sec. 4.2).
    """
    over_c = waves(W_L.shape[1], keys).to(W_L)
    return hook_post @ (W_L @ over_c.T) @ over_c


def split_mlp(
    logits: Float[Tensor, "pair token"],
    hook_post: Float[Tensor, "pair d_mlp"],
    W_L: Float[Tensor, "d_mlp token"],
    keys: Sequence[int],
) -> tuple[Float[Tensor, "pair token"], Float[Tensor, "pair token"]]:
    """Logits with the MLP's output projected on span{u_k, v_k}, and on that span's null space.

    All else (attention's direct path, biases) stays as it is. One layer, no LayerNorm.
    """
    components = W_L @ waves(W_L.shape[1], keys).to(W_L).T
    basis = torch.linalg.qr(components).Q
    inside = hook_post @ basis @ (basis.T @ W_L)
    return logits - hook_post @ W_L + inside, logits - inside


def fitted_amplitudes(logits: Float[Tensor, "pair token"]) -> Float[Tensor, "frequency"]:
    """α_k of the best Σ_k α_k cos ω_k (a + b − c) in the sense of least squares.

    The waves are orthogonal, so an α_k is the same whichever others are fitted beside it.
    """
    p = logits.shape[-1]
    basis = fourier_basis(p).to(logits.device)
    products = (basis @ sum_means(logits.double(), p) @ basis.T).diagonal()
    return products[1:].unflatten(0, (-1, 2)).sum(dim=1).cpu() / p


def formula_answers(
    amplitudes: Float[Tensor, "*set frequency"], p: int
) -> tuple[Float[Tensor, "*set"], Float[Tensor, "*set"]]:
    """Loss (nats) and margin of Σ_k α_k cos ω_k (a + b − c): the same for all pairs.

    In exact arithmetic one frequency answers every pair of a prime p: its margin is
    α (1 − cos(2π/p)), whichever frequency it is: tiny (0.0015 α for p = 113), but not zero. More
    frequencies are not needed to be right; they buy margin, that is, loss, for the same Σ α_k.
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


def in_sets(sets: Sequence[Sequence[int]], p: int) -> Bool[Tensor, "set frequency"]:
    """Which frequencies each set has."""
    members = torch.zeros(len(sets), len(frequencies(p)), dtype=torch.bool)
    for own, chosen in zip(members, sets, strict=True):
        own[torch.tensor(chosen, dtype=torch.long) - 1] = True
    return members


def random_sets(
    candidates: Sequence[int], size: int, number: int, generator: torch.Generator
) -> list[list[int]]:
    """``number`` random sets of ``size`` candidates, none if there are too few candidates."""
    if len(candidates) < size:
        return []
    orders = [torch.randperm(len(candidates), generator=generator) for _ in range(number)]
    return [sorted(candidates[i] for i in order[:size].tolist()) for order in orders]
