"""Fourier analysis over Z_p: frequencies k = 1 … (p − 1)/2; k and p − k are one.

An even p, as the exponents of a multiplication have it (``operation``), has one more, p/2, whose
only wave is (−1)^t: its sine is zero.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.addition.pairs import all_pairs, targets

Logits = Float[Tensor, "pair token"]  # at "=", of all p² pairs (``all_pairs``), b running fastest
Spectrum = Float[Tensor, "frequency"]  # k = 1 first
NO_VARIANCE = 1e-24  # share of the power of what is there, below which it is float64's rounding


def frequencies(p: int) -> range:
    """E.g. 1 … 56 for p = 113, and for p = 112."""
    return range(1, p // 2 + 1)


def fourier_basis(p: int) -> Float[Tensor, "wave number"]:
    """The orthonormal real Fourier basis of R^p, in float64, one wave a row.

    Row 0 is constant, rows 2k − 1 and 2k are √(2/p) times cos and sin of 2πkt/p, k = 1 … (p − 1)/2.
    Of k = p/2, where p is even, they are (−1)^t/√p and zeros.
    """
    t = torch.arange(p, dtype=torch.float64)
    k = torch.tensor(list(frequencies(p)), dtype=torch.float64)
    angle = 2 * torch.pi / p * k[:, None] * t
    waves = torch.stack([angle.cos(), angle.sin()], dim=1).flatten(0, 1) * (2 / p) ** 0.5
    if p % 2 == 0:
        waves[-2:] = torch.stack([(-1.0) ** t * p**-0.5, torch.zeros_like(t)])
    constant = torch.full((1, p), p**-0.5, dtype=torch.float64)
    return torch.cat([constant, waves])


def frequency_shares(matrix: Float[Tensor, "number *features"]) -> Spectrum:
    """Share of each frequency in what varies along the first dimension, that of Z_p.

    Sums to 1, evenly spread for a random matrix; nan for one that is constant along it.
    """
    rows = matrix.double().flatten(1).cpu()
    power = (fourier_basis(len(rows)) @ rows).square().sum(dim=1)
    by_frequency = power[1:].unflatten(0, (-1, 2)).sum(dim=1)
    if not by_frequency.sum() > NO_VARIANCE * power.sum():
        return torch.full_like(by_frequency, torch.nan)
    return by_frequency / by_frequency.sum()


KEY_FACTOR = 3.0  # how many times its share in a flat spectrum a key frequency has at least


def key_frequencies(shares: Spectrum) -> list[int]:
    """Frequencies with at least ``KEY_FACTOR`` times the share of a flat spectrum, in order.

    Empty for a flat spectrum and for one that is nan. A network that only memorised may have one
    that just passes: keys are a circuit only if they carry the logits (logit FVE). At most a third
    of the frequencies are keys, so that p < 6 has none.
    """
    least = KEY_FACTOR / len(shares)
    return [k for k, share in enumerate(shares.tolist(), start=1) if share >= least]


def harmonics(keys: Sequence[int], p: int) -> list[int]:
    """Frequencies that are twice a key, mod p, and no key themselves: what a square of it makes.

    Of p/2 it is a constant.

    >>> harmonics([14, 26], 113)  # 28, and 52
    [28, 52]
    """
    doubled = {min(2 * k % p, -2 * k % p) for k in keys}
    return sorted(doubled - {0, *keys})


def effective_rank(matrix: Float[Tensor, "row column"]) -> float:
    """exp of the entropy of the normalised singular values (Roy & Vetterli 2007)."""
    singular = torch.linalg.svdvals(matrix.double())
    shares = singular / singular.sum()
    return float(torch.special.entr(shares).sum().exp())


def fitted_amplitudes(logits: Logits) -> Spectrum:
    """α_k of the Σ_k α_k cos ω_k (a + b − c) nearest in least squares; the waves are orthogonal."""
    p = logits.shape[-1]
    basis = fourier_basis(p).to(logits.device)
    products = (basis @ sum_means(logits.double(), p) @ basis.T).diagonal()
    return products[1:].unflatten(0, (-1, 2)).sum(dim=1).cpu() / p


def sum_spectrum(logits: Logits) -> Spectrum:
    """Share of the variance of logits, centred over c, along cos ω_k (a + b − c) for every k.

    The shares sum to the part of the variance that depends on a + b − c by an even function: 1 for
    an ideal adder, 1/p³ of noise for each frequency (Nanda et al. 2023, sec. 4.1).
    """
    p = logits.shape[-1]
    centred = logits.double() - logits.double().mean(dim=-1, keepdim=True)
    size = torch.tensor([p**3 if 2 * k == p else p**3 / 2 for k in frequencies(p)])  # of a wave
    return fitted_amplitudes(centred).square() * size / centred.square().sum().cpu()


def share_of(shares: Spectrum, chosen: Sequence[int]) -> float:
    """The chosen frequencies' share of one whole, which rounding would let exceed it."""
    return float(shares[[k - 1 for k in chosen]].sum().clamp(max=1))


def n_frequencies_for(spectrum: Spectrum, share: float) -> int | None:
    """How many of the strongest frequencies reach ``share``; None if all together do not."""
    total = spectrum.sort(descending=True).values.cumsum(0)
    reached = (total >= share).nonzero()
    return int(reached[0]) + 1 if len(reached) else None


def project(
    values: Float[Tensor, "number feature"], chosen: Sequence[int]
) -> Float[Tensor, "number feature"]:
    """What the chosen frequencies have of each feature, a function on Z_p.

    Raises ValueError for a frequency that p does not have.
    """
    p = len(values)
    if not all(k in frequencies(p) for k in chosen):
        raise ValueError(f"frequencies {list(chosen)}: expected 1 … {p // 2}")
    rows = [row for k in chosen for row in (2 * k - 1, 2 * k) if row != p]  # of p/2 no sine
    directions = fourier_basis(p)[rows].to(values)
    return directions.T @ (directions @ values)


def sum_means(values: Float[Tensor, "pair feature"], p: int) -> Float[Tensor, "sum feature"]:
    """Mean over the p pairs of each sum a + b (mod p)."""
    sums = targets(all_pairs(p), p).to(values.device)
    means = torch.zeros(p, values.shape[1], dtype=values.dtype, device=values.device)
    return means.index_add_(0, sums, values) / p


def along_sum(logits: Logits, chosen: Sequence[int]) -> Logits:
    """Projection, over the pairs, on cos ω_k (a + b) and sin ω_k (a + b) of the chosen k."""
    p = logits.shape[1]
    of_sums = project(sum_means(logits.double(), p), chosen)
    return of_sums[targets(all_pairs(p), p).to(logits.device)]
