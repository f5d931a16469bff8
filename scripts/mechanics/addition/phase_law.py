"""How one layer adds: a neuron's output phase is the sum of its two input phases.

The theory and its terms are in ``phases``. For networks of one layer without LayerNorm; every
statement stands beside its null.
"""

import math

import pandas as pd
import torch
from torch import Tensor

from mechanics.addition import patching, phases
from mechanics.addition.activations import (
    AdditionActivations,
    addition_activations,
    neuron_inputs,
    neuron_logits,
)
from mechanics.addition.circuit import tabulate
from mechanics.addition.fourier import frequency_shares, key_frequencies
from mechanics.addition.neurons import EXPLAINED, contributions, neuron_frequencies
from mechanics.addition.phases import Waves, quadrature
from mechanics.models.weights import Network
from mechanics.runtime.seeds import generator

N_PROMPTS = 4000  # pairs of prompts, of which those that are answered right are patched
PHASES = ("cosine", "cosine_shuffled", "input_cosine", "phase_spread")
LAW = f"seed:int64 frequency:int64 n_neurons:int64 {' '.join(PHASES)}"
LAW += " n_effective quadrature_error quadrature_error_predicted quadrature_error_random"
LAW += " alpha alpha_predicted alpha_with_products recovery recovery_predicted"
NEURONS = "seed:int64 neuron:int64 frequency:int64 input_phase output_phase share_of_key"


def phase_law(networks: list[Network], splits: dict[int, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """``phase_law``, a row per seed and key frequency, and ``neuron_phases``, one per neuron."""
    able = [network for network in networks if network.architecture.reads_neurons_directly]
    return tabulate(able, measure, phase_law=LAW, neuron_phases=NEURONS)


@torch.no_grad()
def measure(network: Network) -> tuple[list[dict], list[dict]]:
    """Rows of both tables for one network, without its seed; none for the key p/2, whose wave has
    no phase.

    - of the neurons that a key explains, each counted with its weight, what it contributes to the
      logits: ``cosine`` (``phases.agreement``) and its null; ``input_cosine``, the mean of
      cos(φ_a − φ_b); ``phase_spread``, |mean e^{iψ}|, 0 where phases go evenly round the circle
    - of all neurons of the key, predicted from their two waves alone (``phases.quadrature``) beside
      what the logits have: ``quadrature_error``, ``alpha``; ``alpha_with_products`` counts what
      attention multiplies before the ReLU, too
    - ``recovery`` of the logit difference when they are patched, over the pairs of prompts, beside
      what the alphas predict
    """
    p = network.settings["p"]
    activations = addition_activations(network.weights, network.architecture)
    W_L = neuron_logits(network.weights, network.architecture).cpu()
    inputs, hook_post = neuron_inputs(network.weights, activations), activations.hook_post[0]
    found, weights = neuron_frequencies(hook_post, p), contributions(hook_post, W_L)
    keys = key_frequencies(frequency_shares(W_L.T))
    found_in_logits = {k: phases.sum_waves(activations.logits, k) for k in keys}
    alphas = [alpha for alpha, _ in found_in_logits.values()]
    predicted = phases.predicted_recoveries(alphas, keys, p)
    recovered = recoveries(activations, W_L, network.seed)
    laws, neurons = [], []
    for k, expected in zip(keys, predicted, strict=True):
        if 2 * k == p:
            continue
        (alpha, other), cluster = found_in_logits[k], found.frequency == k
        explained = cluster & (found.fve > EXPLAINED)
        own = weights[explained] / weights[explained].sum()
        waves = phases.neuron_waves(inputs, W_L, k)
        members = waves.of(cluster)
        foreseen = quadrature(phases.two_waves(members, p, k), members, p, k)
        with_products = quadrature(phases.block_of(inputs[:, cluster], p, k), members, p, k)
        laws.append(
            {"frequency": k, "n_neurons": int(explained.sum())}
            | phase_columns(waves.of(explained), own, generator("bootstrap", network.seed, 20 + k))
            | {"n_effective": foreseen["n_effective"], "quadrature_error": other / alpha}
            | {"quadrature_error_predicted": foreseen["error"]}
            | {"quadrature_error_random": foreseen["random"], "alpha": alpha}
            | {"alpha_predicted": foreseen["alpha"], "alpha_with_products": with_products["alpha"]}
            | {"recovery": float(recovered[cluster].sum()), "recovery_predicted": expected}
        )
        neurons.append(neuron_columns(waves.of(explained), own, explained).assign(frequency=k))
    return laws, [row for table in neurons for row in table.to_dict("records")]


def phase_columns(waves: Waves, weights: Tensor, draw: torch.Generator) -> dict[str, float]:
    """What is said of the phases of one key's neurons; nan where it has none."""
    if not len(weights):
        return dict.fromkeys(PHASES, math.nan)
    between = torch.cos(waves.of_a.angle() - waves.of_b.angle())
    spread = (weights * torch.exp(1j * waves.written)).sum().abs()
    shuffled = phases.shuffled_agreement(waves, weights, draw)
    values = (phases.agreement(waves, weights), shuffled, float(weights @ between), float(spread))
    return dict(zip(PHASES, values, strict=True))


def neuron_columns(waves: Waves, weights: Tensor, chosen: Tensor) -> pd.DataFrame:
    """φ_a + φ_b, ψ, both from 0 to 2π, and the weight of the chosen neurons."""
    columns = {
        "neuron": chosen.nonzero()[:, 0],
        "input_phase": waves.read % (2 * torch.pi),
        "output_phase": waves.written % (2 * torch.pi),
        "share_of_key": weights,
    }
    return pd.DataFrame({name: column.numpy() for name, column in columns.items()})


def recoveries(activations: AdditionActivations, W_L: Tensor, seed: int) -> Tensor:
    """Mean recovery of each neuron patched alone, in closed form; effects of neurons add up."""
    logits = activations.logits
    prompts = patching.usable_prompts(logits, N_PROMPTS, seed)
    effects = patching.neuron_effects(activations, W_L.to(logits), prompts)
    return patching.recovery(effects.T, patching.metric_gap(logits, prompts))[0].cpu()
