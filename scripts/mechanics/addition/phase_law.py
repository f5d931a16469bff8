"""How one layer adds: a neuron's output phase is the sum of its two input phases.

A neuron of frequency k reads r_a cos(ω_k a + φ_a) + r_b cos(ω_k b + φ_b) + bias and writes
s cos(ω_k c + ψ). Its ReLU makes, among others, h cos(ω_k(a + b) + φ_a + φ_b). Of this its
readout makes ½ h s times cos(ω_k(a + b − c) + φ_a + φ_b − ψ), which is in phase in every neuron if
ψ = φ_a + φ_b (the phase law), and cos(ω_k(a + b + c) + φ_a + φ_b + ψ), which then turns at twice
the neuron's phase: neurons spread round the circle cancel it. A cluster is thus a quadrature of an
integral over the phase (Yip et al. 2024, arXiv 2412.03773; He et al. 2026, arXiv 2602.16849).
"""

import math
from dataclasses import dataclass

import pandas as pd
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from mechanics.addition import patching
from mechanics.addition.activations import addition_activations, neuron_inputs, neuron_logits
from mechanics.addition.fourier import Logits, frequency_shares, key_frequencies, sum_means
from mechanics.addition.neurons import EXPLAINED, contributions, neuron_frequencies
from mechanics.addition.pairs import all_pairs, targets
from mechanics.models.weights import Network
from mechanics.runtime.seeds import generator

N_PROMPTS = 4000  # pairs of prompts, of which those that are answered right are patched
N_SHUFFLES, BELOW = 1000, 0.95  # the null of the law: what this share of the shuffles stays below
COLUMNS = {
    "phase_law": "seed:int64 frequency:int64 n_neurons:int64 cosine cosine_shuffled phase_spread"
    " n_effective quadrature_error quadrature_error_predicted quadrature_error_random alpha"
    " alpha_predicted recovery recovery_predicted",
    "neuron_phases": "seed:int64 neuron:int64 frequency:int64 input_phase output_phase"
    " share_of_key",
}


def measure(network: Network) -> dict[str, list[dict]]:
    """``phase_law``, a row per key frequency, and ``neuron_phases``, one per neuron; none for the
    key p/2, whose wave has no phase, nor but for one layer without LayerNorm.

    - of the neurons that a key explains, each counted with its weight, what it contributes to the
      logits: ``cosine`` (``agreement``) and its null; ``phase_spread``, |mean e^{iψ}|, 0 where
      phases go evenly round the circle; nan where the key explains none
    - of all neurons of the key, predicted from their two waves alone (``quadrature``) beside what
      the logits have: ``quadrature_error``, ``alpha``
    - ``recovery`` of the logit difference when they are patched, over the pairs of prompts, beside
      what the alphas predict
    """
    if not (network.finite and network.architecture.reads_neurons_directly):
        return {}
    p = network.settings["p"]
    activations = addition_activations(network.weights, network.architecture)
    logits, W_L = activations.logits, neuron_logits(network.weights, network.architecture)
    inputs, hook_post = neuron_inputs(network.weights, activations), activations.hook_post[0]
    found, weights = neuron_frequencies(hook_post, p), contributions(hook_post, W_L)
    keys = key_frequencies(frequency_shares(W_L.T))
    in_logits = [sum_waves(logits, k) for k in keys]
    predicted = predicted_recoveries([alpha for alpha, _ in in_logits], keys, p)
    prompts = patching.usable_prompts(logits, N_PROMPTS, network.seed)
    effects = patching.direct_effects(hook_post, W_L, prompts)  # which add up
    recovered = patching.recovery(effects.T, patching.metric_gap(logits, prompts))[0].cpu()
    laws, neurons = [], []
    for k, (alpha, other), expected in zip(keys, in_logits, predicted, strict=True):
        if 2 * k == p:
            continue
        cluster = found.frequency == k
        explained = cluster & (found.fve > EXPLAINED)
        own = weights[explained] / weights[explained].sum()
        waves = neuron_waves(inputs, W_L, k)
        law = {"frequency": k, "n_neurons": int(explained.sum()), "alpha": alpha}
        if explained.any():
            phases, draw = waves.of(explained), generator("bootstrap", network.seed, 20 + k)
            law["cosine"] = agreement(phases, own)
            law["cosine_shuffled"] = shuffled_agreement(phases, own, draw)
            law["phase_spread"] = float((own * torch.exp(1j * phases.written)).sum().abs())
        law["quadrature_error"] = other / alpha if alpha else math.nan
        law |= quadrature(waves.of(cluster), p, k)
        of_cluster = float(recovered[cluster].sum())
        laws.append(law | {"recovery": of_cluster, "recovery_predicted": expected})
        neurons += neuron_rows(waves, own, explained, k)
    return {"phase_law": laws, "neuron_phases": neurons}


def neuron_rows(waves: "Waves", weights: Tensor, chosen: Tensor, k: int) -> list[dict]:
    """φ_a + φ_b, ψ, both from 0 to 2π, and the weight of the chosen neurons."""
    waves = waves.of(chosen)
    columns = {
        "neuron": chosen.nonzero()[:, 0],
        "input_phase": waves.read % (2 * torch.pi),
        "output_phase": waves.written % (2 * torch.pi),
        "share_of_key": weights,
    }
    rows = pd.DataFrame({name: column.numpy() for name, column in columns.items()})
    return rows.assign(frequency=k).to_dict("records")


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


def quadrature(waves: Waves, p: int, k: int) -> dict[str, float]:
    """The two waves that a cluster adds to the logits, predicted from those that its neurons read,
    through the ReLU, and write; nothing is fitted. (Neurons also read products of waves, for
    attention's weights depend on the numbers that it mixes: left out here.)

    ``alpha_predicted``: the amplitude of cos ω_k(a + b − c). ``quadrature_error_predicted``: the
    amplitude of the wave in ω_k(a + b + c) over it; ``quadrature_error_random``: the mean of that
    error if as many neurons with the same amplitudes had random phases. ``n_effective``: how many
    neurons of one amplitude err as much, (Σ w)²/Σ w² for amplitudes w.
    """
    turned = torch.exp(2j * torch.pi * k / p * torch.arange(p, dtype=torch.float64))
    of_a, of_b = ((turned[:, None] * wave).real for wave in (waves.of_a, waves.of_b))
    fired = (of_a[:, None] + of_b[None] + waves.bias).flatten(0, 1).relu()
    turning = 2 / p**2 * torch.exp(-2j * torch.pi * k / p * targets(all_pairs(p), p))
    made = turning @ fired.to(turning)  # h e^{iφ} for h cos(ω_k(a + b) + φ)
    amplitudes = 0.5 * (made * waves.of_c).abs()
    alpha = 0.5 * (made * waves.of_c.conj()).real.sum()
    other = 0.5 * (made * waves.of_c).sum().abs()
    n_effective = amplitudes.sum().square() / amplitudes.square().sum()
    random = (torch.pi / 4 / n_effective).sqrt()  # the mean length of a random walk
    found = {
        "n_effective": n_effective,
        "quadrature_error_predicted": other / alpha,
        "quadrature_error_random": random,
        "alpha_predicted": alpha,
    }
    return {name: float(value) for name, value in found.items()}


def sum_waves(logits: Logits, k: int) -> tuple[float, float]:
    """Amplitudes of cos ω_k(a + b − c), even about 0, and of any wave in ω_k(a + b + c).

    The first is the alpha of ``logit_identities``. For k = p/2 they are one wave.
    """
    p = logits.shape[1]
    turning = torch.exp(-2j * torch.pi * k / p * torch.arange(p, dtype=torch.float64))
    of_sums = sum_means(logits.double().cpu(), p).to(turning)
    over_sums = (1 if 2 * k == p else 2) / p**2 * (turning @ of_sums)
    return float((over_sums @ turning.conj()).real), float((over_sums @ turning).abs())


def predicted_recoveries(alphas: list[float], keys: list[int], p: int) -> list[float]:
    """What each cluster recovers of the logit difference if logits are Σ α_k cos ω_k(a + b − c).

    The mean, over answers d ≠ 0 apart, of each key's share in Σ α_k (1 − cos ω_k d).
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
    waves: Waves, weights: Float[Tensor, " neuron"], draw: torch.Generator
) -> float:
    """The null of ``agreement``: what most shuffles of ψ over the neurons stay below.

    A neuron keeps its weight and its inputs and writes with the phase of another one.
    """
    order = torch.rand(N_SHUFFLES, len(weights), generator=draw, dtype=torch.float64).argsort(dim=1)
    return float((torch.cos(waves.written[order] - waves.read) @ weights).quantile(BELOW))
