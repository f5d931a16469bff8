"""Layers read out, on networks whose layers are known gradient steps."""

import pytest
import torch
from gradient_steps import gradient_steps
from helpers import held_out, regression_network, regression_settings

from mechanics.models.prompts import embed, squared_errors
from mechanics.models.regression import forward, parameter_shapes
from mechanics.models.transformer import architecture, initialise
from mechanics.regression.laws.depth import optimal_step_sizes
from mechanics.regression.laws.spectrum import expected_spectrum
from mechanics.regression.layer_readout import gradient_descent_risks
from mechanics.regression.layers import layers as measure_layers

D, K = 3, 8


def measure(settings, *weights):
    """Seeds 0, 1, … with these final weights, which have a seed dimension of 1."""
    networks = [
        regression_network(settings, {name: t[0].float().clone() for name, t in own.items()}, seed)
        for seed, own in enumerate(weights)
    ]
    return measure_layers(networks, held_out(settings))


def settings_of(n_layers, **changes):
    return regression_settings(n_layers=n_layers, measured_at=[2, K], **changes)


@pytest.fixture(scope="module")
def layers():
    """Seed 0: two steps that are the best at K. Seed 1: diverged. Both start with tiny weights."""
    weights, _ = gradient_steps(optimal_step_sizes(2, expected_spectrum(D, [K], 4)), D)
    diverged = {name: tensor + torch.nan for name, tensor in weights.items()}
    return measure(settings_of(2, n_prompts_history=4096, init_std=1e-6), weights, diverged)


def test_a_row_for_every_seed_k_and_layer_trained_or_not(layers):
    assert len(layers) == 2 * 2 * 2 * 3
    assert not layers.duplicated(["seed", "trained", "k", "layer"]).any()
    assert set(layers["n_prompts"]) == {2048}


def test_constructed_layers_are_worth_one_step_each(layers):
    own = layers.query("seed == 0 and trained and k == @K").set_index("layer")
    law = gradient_descent_risks(D, K)
    for n in (1, 2):
        assert abs(own["risk"][n] - law[n]) < 4 * own["risk_se"][n]
        assert own["gd_steps"][n] == pytest.approx(n, abs=0.2)  # of 4 standard errors
    assert own["nearest_algorithm"][1:].tolist() == [f"{n}-step GD, tuned at k" for n in ("one", 2)]
    assert own["nearest_preds_diff"][2] < 0.05
    assert own["risk_lens"][2] == pytest.approx(own["risk"][2], abs=1e-3)


def test_untrained_layers_are_nearest_to_zero(layers):
    untrained = layers[~layers["trained"]]
    assert set(untrained["nearest_algorithm"]) == {"zero"}
    assert (abs(untrained["risk"] - 1) < 4 * untrained["risk_se"]).all()


def test_a_diverged_seed_has_rows_without_numbers(layers):
    own = layers.query("seed == 1 and trained and layer > 0")
    assert own[["risk", "risk_lens", "gd_steps", "newton_steps"]].isna().all(axis=None)
    assert own["nearest_algorithm"].isna().all()


def test_early_read_out_after_the_last_layer_is_the_network_s_own_risk():
    """An embedded network whose x has more coordinates than d."""
    settings = settings_of(
        2, attention="softmax", d_model=8, d_mlp=16, layer_norm=True, d_max=5, n_prompts_history=40
    )
    network = architecture(settings)
    drawn = initialise(parameter_shapes(network, 5), 0.3, torch.Generator().manual_seed(0))
    weights = {name: tensor[None] for name, tensor in drawn.items()}
    rows = measure(settings, weights).query("trained")
    prompts = embed(held_out(settings).prompts(K), 5)
    errors = squared_errors(forward(weights, prompts, network), prompts)[0, 20:] / D
    last = rows.query("k == @K and layer == 2")
    assert last["risk_lens"].tolist() == pytest.approx([float(errors.mean())], rel=1e-5)


def test_one_layer_is_refused():
    weights, _ = gradient_steps([0.5], D)
    with pytest.raises(ValueError, match="a network of one layer"):
        measure(settings_of(1), weights)
