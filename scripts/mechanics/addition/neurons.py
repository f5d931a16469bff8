"""Which frequency each MLP neuron of an addition network computes with, as seen in its activation
over all pairs (Nanda et al. 2023, sec. 4.2)."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mechanics.addition.fourier import NO_VARIANCE, fourier_basis, frequencies, key_frequencies

EXPLAINED = 0.85  # fve above which one frequency explains a neuron (Nanda et al. 2023)


@dataclass(frozen=True)
class NeuronFrequencies:
    """The frequency that explains most of each neuron's variance, and how much it explains.

    A neuron that is the same for all pairs (dead ones are) has frequency 0 and fve nan.
    """

    frequency: Int[Tensor, " d_mlp"]
    fve: Float[Tensor, " d_mlp"]


def neuron_frequencies(hook_post: Float[Tensor, "pair d_mlp"], p: int) -> NeuronFrequencies:
    """The input frequency of each neuron, from its activation for all p² pairs, b running fastest.

    The fve of frequency k is the share of the variance over the pairs that lies in the eight
    products of {1, cos ω_k a, sin ω_k a} and {1, cos ω_k b, sin ω_k b} other than 1 × 1. A neuron
    of noise has about 8/p² in each.
    """
    basis = fourier_basis(p)
    values = hook_post.double().cpu()
    mean = values.mean(dim=0)
    values = values - mean  # before the transform: beside a large constant little variance is lost
    waves = basis @ values.reshape(p, -1)  # over a
    waves = torch.einsum("vb,ubn->uvn", basis, waves.view(len(basis), p, -1))  # and over b
    power = waves.square()
    in_a, in_b = power[1:, 0].unflatten(0, (-1, 2)), power[0, 1:].unflatten(0, (-1, 2))
    of_both = power[1:, 1:].unflatten(0, (-1, 2)).unflatten(2, (-1, 2)).sum(dim=(1, 3))
    same = of_both.diagonal(dim1=0, dim2=1).T  # frequency d_mlp
    by_frequency = in_a.sum(dim=1) + in_b.sum(dim=1) + same
    most, index = by_frequency.max(dim=0)
    total = values.square().sum(dim=0)
    varies = total > NO_VARIANCE * (total + p**2 * mean.square())
    fve = torch.where(varies, most / total, torch.nan)
    return NeuronFrequencies(torch.where(varies, index + 1, 0), fve)


def cluster_keys(neurons: NeuronFrequencies, p: int) -> list[int]:
    """Key frequencies by the share of the neurons, each counted with its fve; the rest is spread
    evenly. The best of many poor frequencies for most neurons is thus no key."""
    n_frequencies = len(frequencies(p))
    alive = neurons.frequency > 0
    weighted = torch.zeros(n_frequencies, dtype=torch.float64)
    weighted.index_add_(0, neurons.frequency[alive] - 1, neurons.fve[alive])
    shares = (weighted + (1 - neurons.fve[alive]).sum() / n_frequencies) / alive.sum()
    return key_frequencies(shares)


def contributions(
    hook_post: Float[Tensor, "pair d_mlp"], W_L: Float[Tensor, "d_mlp token"]
) -> Float[Tensor, " d_mlp"]:
    """Each neuron's share of the variance that all write to the logits, each taken by itself.

    That is the variance of its activation over the pairs times ‖W_L[i]‖², centred over c: a
    constant over c moves no probability.
    """
    written = W_L.double().cpu()
    written = (written - written.mean(dim=1, keepdim=True)).square().sum(dim=1)
    power = hook_post.double().cpu().var(dim=0, correction=0) * written
    return power / power.sum()
