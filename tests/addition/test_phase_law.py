"""The phase law in networks built to obey it, and its nulls where it cannot hold."""

import math

import pytest
import torch
from clock_network import PIZZA_THRESHOLDS, clock_network, final, planted_logits
from helpers import random_network

from mechanics.addition.activations import addition_activations, neuron_inputs
from mechanics.addition.analysis import measure
from mechanics.addition.pairs import all_pairs
from mechanics.addition.phase_law import (
    Waves,
    agreement,
    predicted_recoveries,
    quadrature,
    shuffled_agreement,
    sum_waves,
)

P, KEYS = 59, (4, 17)
NETWORK = final(*clock_network(P, KEYS, thresholds=PIZZA_THRESHOLDS))


def random_waves(n: int, law: bool) -> Waves:
    draw = torch.Generator().manual_seed(0)
    phases = 2 * torch.pi * torch.rand(3, n, generator=draw, dtype=torch.float64)
    of_a, of_b, of_c = torch.exp(1j * phases)
    return Waves(of_a, of_b, of_a * of_b if law else of_c, torch.zeros(n, dtype=torch.float64))


def test_a_network_built_as_a_quadrature_obeys_the_law():
    tables = measure("phase_law", [NETWORK])
    law, neurons = tables["phase_law"].set_index("frequency"), tables["neuron_phases"]
    assert law.index.tolist() == list(KEYS)
    assert law["n_neurons"].tolist() == [P, P]
    assert law["cosine"].tolist() == pytest.approx([1, 1], abs=1e-10)
    assert (law["cosine_shuffled"] < 0.4).all()
    assert law["phase_spread"].max() < 1e-10  # all p phases, evenly
    assert law[["quadrature_error", "quadrature_error_predicted"]].max(axis=None) < 1e-6
    assert law["alpha_predicted"].tolist() == pytest.approx(law["alpha"].tolist(), rel=1e-6)
    assert law["n_effective"].tolist() == pytest.approx([P, P], rel=1e-6)
    assert law["recovery"].sum() == pytest.approx(1, abs=1e-6)
    assert law["recovery"].tolist() == pytest.approx(law["recovery_predicted"].tolist(), abs=0.02)
    difference = neurons["output_phase"] - neurons["input_phase"]
    assert difference.map(math.cos).min() > 1 - 1e-10
    assert neurons.groupby("frequency")["share_of_key"].sum().tolist() == pytest.approx([1, 1])
    activations = addition_activations(NETWORK.weights, NETWORK.architecture)
    inputs = neuron_inputs(NETWORK.weights, activations)  # what the ReLU is given
    torch.testing.assert_close(inputs.relu(), activations.hook_post[0])


@pytest.mark.parametrize("law", [True, False])
def test_random_phases_have_no_law(law):
    waves, weights = random_waves(200, law), torch.full((200,), 1 / 200, dtype=torch.float64)
    assert agreement(waves, weights) == pytest.approx(1 if law else 0, abs=1e-10 if law else 0.15)
    shuffled = shuffled_agreement(waves, weights, torch.Generator().manual_seed(1))
    # 95 % of a mean of 200 cosines: 1.64 standard errors, √(1/2 / 200) each
    assert shuffled == pytest.approx(1.64 * 0.05, abs=0.03)


@pytest.mark.parametrize("even", [True, False])
def test_neurons_spread_evenly_cancel_the_other_wave(even):
    n, p, k = 40, 59, 4
    waves = random_waves(n, law=True)
    if even:
        phases = torch.exp(2j * torch.pi * torch.arange(n, dtype=torch.float64) / n)
        waves = Waves(phases, phases, phases**2, waves.bias)
    found = quadrature(waves, p, k)
    error, random = (found[f"quadrature_error_{name}"] for name in ("predicted", "random"))
    assert found["n_effective"] == pytest.approx(n, rel=0.05)
    assert random == pytest.approx(math.sqrt(math.pi / 4 / n), rel=0.05)
    if even:
        assert error < 0.01
    else:
        assert 0.02 < error < 3 * random


def test_waves_in_the_logits():
    a, b = all_pairs(P).double().T
    sum_and_c = (a + b)[:, None] + torch.arange(P)
    other = 0.5 * torch.cos(2 * torch.pi * 4 / P * sum_and_c + 1)
    logits = planted_logits(P, {4: 3.0}) + other
    assert sum_waves(logits, 4) == pytest.approx((3, 0.5), abs=1e-10)
    assert sum_waves(logits, 5) == pytest.approx((0, 0), abs=1e-10)


def test_recoveries_are_shares_of_the_amplitudes():
    assert predicted_recoveries([2.0], [4], P) == pytest.approx([1])
    # 4 and -4 are the same wave; no multiplication mod p swaps 4 and 17, so halves are not exact
    assert predicted_recoveries([2.0, 2.0], [4, 4], P) == pytest.approx([0.5, 0.5])
    assert predicted_recoveries([2.0, 2.0], [4, 17], P) == pytest.approx([0.5, 0.5], abs=0.02)
    found = predicted_recoveries([9.0, 1.0], [4, 17], P)
    assert sum(found) == pytest.approx(1)
    assert found[0] > 0.75


@pytest.mark.parametrize("changes", [{}, {"n_layers": 2}, {"layer_norm": True}])
def test_a_network_without_circuit_has_no_rows(changes):
    tables = measure("phase_law", [random_network(0.3, p=P, **changes)])
    assert tables["phase_law"].empty and tables["neuron_phases"].empty
    assert tables["phase_law"]["cosine"].dtype == float


def test_waves_that_the_logits_lack_have_no_error():
    network = final(*clock_network(P, KEYS))
    for name, value in (("attn.W_O", 0), ("mlp.b_in", -1)):  # all logits are 0
        network.weights[f"blocks.0.{name}"].fill_(value)
    law = measure("phase_law", [network])["phase_law"]
    assert law["alpha"].tolist() == [0, 0] and law["quadrature_error"].isna().all()
