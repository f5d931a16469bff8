"""The layer read-out program, on a run whose layers are known gradient steps."""

import json

import pandas as pd
import pytest
import torch
from gradient_steps import gradient_steps
from helpers import regression_settings, run_program, write_data

from mechanics.models.prompts import embed, evaluation_prompts, squared_errors
from mechanics.models.regression import forward, parameter_shapes
from mechanics.models.transformer import architecture, initialise
from mechanics.regression.laws.depth import optimal_step_sizes
from mechanics.regression.laws.spectrum import expected_spectrum
from mechanics.regression.layer_readout import gradient_descent_risks
from mechanics.runtime.files import sha256
from mechanics.training.checkpoint import checkpoint_key, read_tensors, write_tensors

D, K = 3, 8


def write_run(folder, settings, weights_by_seed_and_step):
    """A finished run with these weights, which have a seed dimension of 1."""
    path = folder / "checkpoints.safetensors"
    tensors = {
        checkpoint_key(seed, step, name): tensor[0].float().clone()
        for (seed, step), weights in weights_by_seed_and_step.items()
        for name, tensor in weights.items()
    }
    write_tensors(path, tensors)
    seeds = sorted({seed for seed, _ in weights_by_seed_and_step})
    replicas = [{"seed": s, "status": "finished", "last_step": settings["steps"]} for s in seeds]
    record = {"settings": settings, "replicas": replicas, "checkpoints_sha256": sha256(path)}
    (folder / "run.json").write_text(json.dumps(record))
    return folder


def measure(folder, settings, weights):
    run, data = write_run(folder, settings, weights), write_data(folder, settings, [0])[0]
    output = folder / "layers.parquet"
    arguments = ["--run", run, "--data", data, "--output", output, "--device", "cpu"]
    run_program("measure_layers", *arguments)
    return pd.read_parquet(output)


def settings_of(n_layers, **changes):
    return regression_settings(n_layers=n_layers, measured_at=[2, K], **changes)


@pytest.fixture(scope="module")
def layers(tmp_path_factory):
    """Seed 0: two steps that are the best at K. Seed 1: diverged. Both start with zero weights."""
    weights, _ = gradient_steps(optimal_step_sizes(2, expected_spectrum(D, [K], 4)), D)
    zeros = {name: torch.zeros_like(tensor) for name, tensor in weights.items()}
    diverged = {name: tensor + torch.nan for name, tensor in weights.items()}
    settings = settings_of(2, n_prompts_history=4096)
    steps = {(0, 0): zeros, (0, 20): weights, (1, 0): zeros, (1, 20): diverged}
    return measure(tmp_path_factory.mktemp("run"), settings, steps)


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
    assert own["nearest"][1:].tolist() == [f"{n}-step GD, tuned at k" for n in ("one", 2)]
    assert own["nearest_preds_diff"][2] < 0.05
    assert own["risk_lens"][2] == pytest.approx(own["risk"][2], abs=1e-3)


def test_untrained_layers_are_nearest_to_zero(layers):
    untrained = layers[~layers["trained"]]
    assert set(untrained["nearest"]) == {"zero"}
    assert (abs(untrained["risk"] - 1) < 4 * untrained["risk_se"]).all()


def test_a_diverged_seed_has_rows_without_numbers(layers):
    own = layers.query("seed == 1 and trained and layer > 0")
    assert own[["risk", "risk_lens", "gd_steps", "newton_steps"]].isna().all(axis=None)
    assert own["nearest"].isna().all()


def test_early_read_out_after_the_last_layer_is_the_network_s_own_risk(tmp_path):
    """An embedded network whose x has more coordinates than d."""
    settings = settings_of(
        2, attention="softmax", d_model=8, d_mlp=16, layer_norm=True, d_max=5, n_prompts_history=40
    )
    network = architecture(settings)
    drawn = initialise(parameter_shapes(network, 5), 0.3, torch.Generator().manual_seed(0))
    weights = {name: tensor[None] for name, tensor in drawn.items()}
    rows = measure(tmp_path, settings, {(0, 0): weights, (0, 20): weights})
    stored, _ = read_tensors(tmp_path / "evaluation.safetensors")
    prompts = embed(evaluation_prompts(stored, K), 5)
    errors = squared_errors(forward(weights, prompts, network), prompts)[0, 20:] / D
    last = rows.query("k == @K and layer == 2")
    assert last["risk_lens"].tolist() == pytest.approx([float(errors.mean())] * 2, rel=1e-5)


def test_one_layer_is_refused(tmp_path):
    weights, _ = gradient_steps([0.5], D)
    with pytest.raises(SystemExit, match="measure_layers.py: a network of one layer"):
        measure(tmp_path, settings_of(1), {(0, 0): weights, (0, 20): weights})


def test_a_run_without_its_first_weights_is_refused(tmp_path):
    weights, _ = gradient_steps([0.5, 0.5], D)
    with pytest.raises(SystemExit, match="no weights of seed 0 at step 0"):
        measure(tmp_path, settings_of(2), {(0, 20): weights})
