"""Whether any neuron carries the modular jump: that a + b ≥ p gives a + b − p.

A circuit of waves of period p needs none. A neuron that did would recover more of the difference
of logits where just one of two prompts wraps round p, and would follow the wrap over the pairs.
Neurons of the wave k = 1 follow it in part and carry nothing: of a smaller answer more pairs wrap.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mechanics.addition import patching
from mechanics.addition.activations import addition_activations, neuron_logits
from mechanics.addition.pairs import all_pairs
from mechanics.models.weights import Network
from mechanics.runtime.seeds import generator

N_PROMPTS = 4000  # pairs of prompts
N_HALVES = 20  # random ones
COLUMNS = {
    "wrap_around": "seed:int64 n_crossing:int64 agreement agreement_halves follows_wrap"
    " follows_wrap_random"
}


def wraps(pairs: Int[Tensor, "*batch 2"], p: int) -> Bool[Tensor, "*batch"]:
    """Whether a + b reaches p."""
    return pairs.sum(dim=-1) >= p


def measure(network: Network) -> dict[str, list[dict]]:
    """``wrap_around``: a row of one layer without LayerNorm, where effects of neurons are exact.

    ``agreement``: correlation over the neurons of their recovery on the pairs of prompts of which
    just one wraps (``n_crossing``) with that on the others; ``agreement_halves`` the least of
    ``N_HALVES`` random halves, its null. ``follows_wrap``: largest |correlation| over the pairs of
    a neuron with the wrap; ``follows_wrap_random`` with the wrap of shuffled pairs.
    """
    if not (network.finite and network.architecture.reads_neurons_directly):
        return {}
    p = network.settings["p"]
    activations = addition_activations(network.weights, network.architecture)
    logits, neurons = activations.logits, activations.hook_post[0]
    prompts = patching.usable_prompts(logits, N_PROMPTS, network.seed)
    W_L = neuron_logits(network.weights, network.architecture)
    effects = patching.direct_effects(neurons, W_L, prompts).T
    gaps = patching.metric_gap(logits, prompts)
    draw = generator("bootstrap", network.seed, 100)
    crossing = torch.logical_xor(*wraps(prompts, p))
    n = len(crossing)
    halves = [torch.randperm(n, generator=draw) < n // 2 for _ in range(N_HALVES)]
    wrapped = wraps(all_pairs(p), p)
    shuffled = wrapped[torch.randperm(p * p, generator=draw)]
    row = {
        "n_crossing": int(crossing.sum()),
        "agreement": split_agreement(effects, gaps, crossing),
        "agreement_halves": min(split_agreement(effects, gaps, half) for half in halves),
        "follows_wrap": strongest_correlation(neurons, wrapped),
        "follows_wrap_random": strongest_correlation(neurons, shuffled),
    }
    return {"wrap_around": [row]}


def split_agreement(
    effects: Float[Tensor, "neuron prompt"],
    gaps: Float[Tensor, " prompt"],
    chosen: Bool[Tensor, " prompt"],
) -> float:
    """Correlation, over the neurons, of recovery on the chosen prompts with that on the others."""
    parts = [patching.recovery(effects[:, part], gaps[part])[0] for part in (chosen, ~chosen)]
    return float(torch.corrcoef(torch.stack(parts))[0, 1])


def strongest_correlation(
    neurons: Float[Tensor, "pair neuron"], wrapped: Bool[Tensor, " pair"]
) -> float:
    """Largest |correlation| of a neuron with the wrap; neurons that never vary have none, 0."""
    values, wave = neurons - neurons.mean(dim=0), wrapped.to(neurons)
    wave = wave - wave.mean()
    varying = values.norm(dim=0) > 1e-12 * neurons.norm(dim=0)
    values = values[:, varying]
    found = ((wave @ values) / (wave.norm() * values.norm(dim=0))).abs()
    return float(found.max()) if len(found) else 0.0
