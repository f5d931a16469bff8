"""Layers read out, on networks whose layers are known gradient steps."""

import math
from itertools import pairwise

import pytest
import torch
from gradient_steps import gradient_steps
from helpers import held_out, regression_network, regression_settings

from mechanics.models.prompts import Prompts, embed, sample_prompts, squared_errors
from mechanics.models.regression import forward, parameter_shapes
from mechanics.models.transformer import architecture, initialise
from mechanics.regression import layers as own
from mechanics.regression.algorithms import gradient_descent, ordinary_least_squares
from mechanics.regression.laws.depth import optimal_step_sizes, polynomial_floor
from mechanics.regression.laws.risk import one_step_risk
from mechanics.regression.laws.spectrum import expected_spectrum

D, K = 3, 8
STEPS = optimal_step_sizes(2, expected_spectrum(D, [K], 4))
EXACT = {"atol": 1e-10, "rtol": 1e-10}


def prompts_of(n_prompts: int, k: int = K) -> Prompts:
    return sample_prompts("evaluation", 0, 0, n_prompts, k, n_queries=2, d=D).double()


def measure(settings, *weights):
    """Seeds 0, 1, … with these final weights, which have a seed dimension of 1."""
    networks = [
        regression_network(settings, {name: t[0].float().clone() for name, t in own.items()}, seed)
        for seed, own in enumerate(weights)
    ]
    return own.layers(networks, held_out(settings))


def settings_of(n_layers, **changes):
    return regression_settings(n_layers=n_layers, measured_at=[2, K], **changes)


@pytest.fixture(scope="module")
def layers():
    """Seed 0: two steps that are the best at K. Seed 1: diverged. Both start with tiny weights."""
    weights, _ = gradient_steps(STEPS, D)
    diverged = {name: tensor + torch.nan for name, tensor in weights.items()}
    return measure(settings_of(2, n_prompts_history=4096, init_std=1e-6), weights, diverged)


def test_a_row_for_every_seed_k_and_layer_trained_or_not(layers):
    assert len(layers) == 2 * 2 * 2 * 3
    assert not layers.duplicated(["seed", "trained", "k", "layer"]).any()
    assert set(layers["n_prompts"]) == {2048}


def test_constructed_layers_are_worth_one_step_each(layers):
    """Before the first a probe knows nothing; after it, it rescales the small first step to the
    best single one, where the early read-out has the step itself."""
    found = layers.query("seed == 0 and trained and k == @K").set_index("layer")
    law = own.gradient_descent_risks(D, K)
    for n in (0, 1, 2):
        assert abs(found["risk"][n] - law[n]) < 4 * found["risk_se"][n]
        assert n == 0 or found["gd_steps"][n] == pytest.approx(n, abs=0.2)  # of 4 standard errors
    names = [f"{n}-step GD, tuned at k" for n in ("one", 2)]
    assert found["nearest_algorithm"][1:].tolist() == names
    assert found["nearest_preds_diff"][2] < 0.05
    assert found["risk_lens"][2] == pytest.approx(found["risk"][2], abs=1e-3)
    alone = one_step_risk(STEPS[0], D, K)
    assert abs(found["risk_lens"][1] - alone) < 4 * found["risk_se"][1]


def test_untrained_layers_are_nearest_to_zero_and_a_diverged_seed_has_no_numbers(layers):
    untrained = layers[~layers["trained"]]
    assert set(untrained["nearest_algorithm"]) == {"zero"}
    assert (abs(untrained["risk"] - 1) < 4 * untrained["risk_se"]).all()
    diverged = layers.query("seed == 1 and trained and layer > 0")
    numbers = ["risk", "risk_lens", "gd_steps", "newton_steps", "nearest_algorithm"]
    assert diverged[[*numbers, "nearest_preds_diff"]].isna().all(axis=None)


def test_early_read_out_after_the_last_layer_is_the_network_s_own_risk():
    """An embedded network whose x has more coordinates than d."""
    changes = {"attention": "softmax", "d_model": 8, "d_mlp": 16, "layer_norm": True, "d_max": 5}
    settings = settings_of(2, n_prompts_history=40, **changes)
    network = architecture(settings)
    drawn = initialise(parameter_shapes(network, 5), 0.3, torch.Generator().manual_seed(0))
    weights = {name: tensor[None] for name, tensor in drawn.items()}
    rows = measure(settings, weights).query("trained")
    prompts = embed(held_out(settings).prompts(K), 5)
    errors = squared_errors(forward(weights, prompts, network), prompts)[0, 20:] / D
    last = rows.query("k == @K and layer == 2")
    assert last["risk_lens"].tolist() == pytest.approx([float(errors.mean())], rel=1e-5)


def test_one_layer_is_refused():
    with pytest.raises(ValueError, match="a network of one layer"):
        measure(settings_of(1), gradient_steps([0.5], D)[0])


def test_stream_of_constructed_layers_is_x_and_minus_the_prediction_so_far():
    prompts = prompts_of(300)  # more than one chunk
    weights, network = gradient_steps(STEPS, D)
    streams, lenses = own.query_streams(weights, prompts, network)
    for layer in range(3):
        prediction = gradient_descent(prompts, STEPS[:layer])[0]
        expected = torch.cat([prompts.x_test[0], -prediction[..., None]], dim=-1)
        torch.testing.assert_close(streams[layer], expected, **EXACT)
        torch.testing.assert_close(lenses[layer], prediction, **EXACT)


def test_probe_is_exact_where_the_stream_is():
    """Coordinates of any size, one that is zero, and one that says the same as another."""
    draw = torch.Generator().manual_seed(0)
    stream = torch.randn(50, 2, 5, dtype=torch.float64, generator=draw)
    stream *= torch.tensor([1.0, 1e-9, 1e6, 0.0, 1.0])
    stream[..., 4] = stream[..., 0]
    targets = stream @ torch.tensor([2.0, 3e9, -1e-6, 7.0, 1.0], dtype=torch.float64)
    probe = own.fit_probe(stream, targets)
    torch.testing.assert_close(stream @ probe, targets, **EXACT)
    assert probe[3] == 0
    with pytest.raises(ValueError, match="4 test points cannot determine a probe of 5"):
        own.fit_probe(stream[:2], targets[:2])


@pytest.mark.parametrize(("d", "k"), [(3, 8), (3, 2), (1, 4)])
def test_equivalent_steps_of_as_many_steps_and_of_least_squares(d, k):
    risks = own.gradient_descent_risks(d, k)
    assert own.equivalent_steps(max(0.0, 1 - k / d), risks) == math.inf
    assert [own.equivalent_steps(risk, risks) for risk in risks] == [float(n) for n in range(21)]


@pytest.mark.parametrize("k", [5, 50])
def test_risk_of_twenty_steps_is_exact(k):
    """As it is on the spectrum of a higher degree."""
    expected = polynomial_floor(20, expected_spectrum(10, [k], 44))
    assert own.gradient_descent_risks(10, k)[20] == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(
    ("risk", "risks", "steps"),
    [
        (0.01, [1.0, 0.1, 0.001], 1.5),
        (0.009, [1.0, 0.1, 0.01], math.inf),
        (0.0, [1.0, 0.1, 0.01], math.inf),
        (1.01, [1.0, 0.1, 0.01], math.nan),
        (math.nan, [1.0, 0.1, 0.01], math.nan),
    ],
)
def test_equivalent_steps_are_interpolated_and_never_capped(risk, risks, steps):
    found = own.equivalent_steps(risk, risks)
    assert found == pytest.approx(steps, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("risks", [[], [1.0, 0.0], [1.0, math.nan]])
def test_risks_that_are_not_positive_are_refused(risks):
    with pytest.raises(ValueError, match="must be positive"):
        own.equivalent_steps(0.5, risks)


@pytest.mark.parametrize("k", [2, 8])
def test_newton_risks_fall_to_least_squares(k):
    prompts = prompts_of(200, k)
    risks = own.newton_risks(prompts, 30)
    assert all(later < before + 1e-10 for before, later in pairwise(risks))
    least, _ = own.risk_of(ordinary_least_squares(prompts)[0], prompts)
    assert risks[0] > least + 0.1
    assert risks[-1] == pytest.approx(least, abs=1e-8)
