"""The waves that neurons read and write, and what a cluster of them sums to.

A neuron of frequency k reads r_a cos(ω_k a + φ_a) + r_b cos(ω_k b + φ_b) + bias and writes
s cos(ω_k c + ψ). Its ReLU makes, among others, h cos(ω_k(a + b) + φ_a + φ_b). Of this its
readout makes ½ h s times cos(ω_k(a + b − c) + φ_a + φ_b − ψ), which is in phase in every neuron if
ψ = φ_a + φ_b (the phase law), and cos(ω_k(a + b + c) + φ_a + φ_b + ψ), which then turns at twice
the neuron's phase: neurons spread round the circle cancel it. A cluster is thus a quadrature of an
integral over the phase (Yip et al. 2024, arXiv 2412.03773; He et al. 2026, arXiv 2602.16849).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from mechanics.addition.fourier import fourier_basis
from mechanics.addition.pairs import all_pairs, targets


@dataclass(frozen=True)
class Waves:
    """Waves of one frequency, r e^{iφ} for r cos(ω_k t + φ), and the mean of what neurons read."""

    of_a: Complex[Tensor, " neuron"]
    of_b: Complex[Tensor, " neuron"]
    of_c: Complex[Tensor, " neuron"]
    bias: Float[Tensor, " neuron"]

    @property
    def read(self) -> Float[Tensor, " neuron"]:
        """φ_a + φ_b."""
        return self.of_a.angle() + self.of_b.angle()

    @property
    def written(self) -> Float[Tensor, " neuron"]:
        """ψ."""
        return self.of_c.angle()

    def of(self, chosen: Tensor) -> "Waves":
        """Those of some neurons."""
        return Waves(self.of_a[chosen], self.of_b[chosen], self.of_c[chosen], self.bias[chosen])


def neuron_waves(
    inputs: Float[Tensor, "pair neuron"], W_L: Float[Tensor, "neuron token"], k: int
) -> Waves:
    """``inputs``: ``activations.neuron_inputs``, b running fastest."""
    p = W_L.shape[1]
    table = inputs.double().cpu().view(p, p, -1)
    numbers = torch.arange(p, dtype=torch.float64)
    turning = 2 / p * torch.exp(-2j * torch.pi * k / p * numbers)
    of_a, of_b = (turning @ table.mean(dim=other).to(turning) for other in (1, 0))
    return Waves(of_a, of_b, W_L.cpu().to(turning) @ turning, table.mean(dim=(0, 1)))


def two_waves(waves: Waves, p: int, k: int) -> Float[Tensor, "pair neuron"]:
    """What neurons would read if it were their two waves and their bias alone."""
    turned = torch.exp(2j * torch.pi * k / p * torch.arange(p, dtype=torch.float64))
    of_a, of_b = ((turned[:, None] * wave).real for wave in (waves.of_a, waves.of_b))
    return (of_a[:, None] + of_b[None] + waves.bias).flatten(0, 1)


def block_of(inputs: Float[Tensor, "pair neuron"], p: int, k: int) -> Float[Tensor, "pair neuron"]:
    """What neurons read, of frequency k alone: products of the waves of a and of b, too.

    Attention makes such products, for its weights depend on the numbers that it mixes.
    """
    kept = fourier_basis(p)[[0, 2 * k - 1, 2 * k]]
    products = torch.einsum("ua,vb->abuv", kept, kept).reshape(p * p, 9)
    return products @ (products.T @ inputs.double().cpu())


def quadrature(
    inputs: Float[Tensor, "pair neuron"], waves: Waves, p: int, k: int
) -> dict[str, float]:
    """The two waves that a cluster with these inputs adds to the logits, through the ReLU and its
    waves over c; nothing is fitted.

    ``alpha``: the amplitude of cos ω_k(a + b − c). ``error``: the amplitude of the wave in
    ω_k(a + b + c) over it; ``random``: the mean of that error if as many neurons with the same
    amplitudes had random phases. ``n_effective``: how many neurons of one amplitude err as much,
    (Σ w)²/Σ w² for amplitudes w.
    """
    turning = 2 / p**2 * torch.exp(-2j * torch.pi * k / p * targets(all_pairs(p), p))
    made = turning @ inputs.relu().to(turning)  # h e^{iφ} for h cos(ω_k(a + b) + φ)
    amplitudes = 0.5 * (made * waves.of_c).abs()
    alpha = 0.5 * (made * waves.of_c.conj()).real.sum()
    other = 0.5 * (made * waves.of_c).sum().abs()
    n_effective = amplitudes.sum().square() / amplitudes.square().sum()
    random = (torch.pi / 4 / n_effective).sqrt()  # the mean length of a random walk
    found = {"alpha": alpha, "error": other / alpha, "random": random, "n_effective": n_effective}
    return {name: float(value) for name, value in found.items()}


def sum_waves(logits: Float[Tensor, "pair token"], k: int) -> tuple[float, float]:
    """Amplitudes of cos ω_k(a + b − c), even about 0, and of any wave in ω_k(a + b + c).

    The first is the alpha of ``logit_identities``. For k = p/2 they are one wave.
    """
    p = logits.shape[1]
    by_sum = torch.zeros(p, p, dtype=torch.float64)
    by_sum.index_add_(0, targets(all_pairs(p), p), logits.double().cpu())
    numbers = torch.arange(p, dtype=torch.float64)
    turning = torch.exp(-2j * torch.pi * k / p * numbers)
    over_sums = (1 if 2 * k == p else 2) / p**3 * (turning @ by_sum.to(turning))
    return float((over_sums @ turning.conj()).real), float((over_sums @ turning).abs())


def predicted_recoveries(alphas: list[float], keys: list[int], p: int) -> list[float]:
    """What each cluster recovers of the logit difference if logits are Σ α_k cos ω_k(a + b − c).

    Between answers d apart the difference is Σ α_k (1 − cos ω_k d), twice; the mean over all
    d ≠ 0 of each key's share in it.
    """
    apart = torch.arange(1, p, dtype=torch.float64)
    omega = 2 * torch.pi / p * torch.tensor(keys, dtype=torch.float64)
    sizes = torch.tensor(alphas, dtype=torch.float64)[:, None]
    parts = sizes * (1 - torch.cos(omega[:, None] * apart))
    return (parts / parts.sum(dim=0)).mean(dim=1).tolist()


def agreement(waves: Waves, weights: Float[Tensor, " neuron"]) -> float:
    """Weighted mean of cos(ψ − φ_a − φ_b): 1 where the phase law holds."""
    return float(weights @ torch.cos(waves.written - waves.read))


def shuffled_agreement(
    waves: Waves,
    weights: Float[Tensor, " neuron"],
    draw: torch.Generator,
    n: int = 1000,
    share: float = 0.95,
) -> float:
    """The null of ``agreement``: what a share of ``n`` shuffles of ψ over the neurons stays below.

    A neuron keeps its weight and its inputs and writes with the phase of another one.
    """
    order = torch.rand(n, len(weights), generator=draw, dtype=torch.float64).argsort(dim=1)
    return float((torch.cos(waves.written[order] - waves.read) @ weights).quantile(share))
