"""Fourier analysis over Z_p.

Frequencies run k = 1 … (p − 1)/2, both included; k and p − k are one frequency.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def frequencies(p: int) -> range:
    """The frequencies of an odd p, e.g. 1 … 56 for p = 113."""
    return range(1, (p - 1) // 2 + 1)


def sum_spectrum(logits: Float[Tensor, "pair token"]) -> Float[Tensor, "frequency"]:
    """Share of the logits' variance along cos ω_k (a + b − c), for every frequency k.

    ``logits`` are those of all p² pairs, b running fastest; they are centred over c first. The
    shares sum to the part of the variance that depends on a + b − c by an even function: 1 for an
    ideal adder, 1/p² of noise for each frequency (Nanda et al. 2023, sec. 4.1).
    """
    p = logits.shape[-1]
    cube = (logits.double() - logits.double().mean(dim=-1, keepdim=True)).view(p, p, p)
    numbers = torch.arange(p, device=logits.device)
    difference = (numbers[:, None, None] + numbers[:, None] - numbers) % p  # a + b - c
    profile = torch.zeros(p, dtype=torch.float64, device=logits.device)
    profile.index_add_(0, difference.flatten(), cube.flatten())
    k = torch.tensor(list(frequencies(p)), device=logits.device)
    waves = torch.cos(2 * torch.pi / p * (k[:, None] * numbers).double())
    # ⟨L, C_k⟩² / ‖C_k‖² with ‖C_k‖² = p³ / 2
    return (waves @ profile).square() / (p**3 / 2) / cube.square().sum()


def n_frequencies_for(spectrum: Float[Tensor, "frequency"], share: float) -> int | None:
    """How many of the strongest frequencies reach ``share``; None if all together do not."""
    total = spectrum.sort(descending=True).values.cumsum(0)
    reached = (total >= share).nonzero()
    return int(reached[0]) + 1 if len(reached) else None
