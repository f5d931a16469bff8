"""Weights of others become a model of a study: the same function, and where it came from."""

import json

import pandas as pd
import pytest
import torch
from clock_network import clock_network
from helpers import regression_settings, run_program
from safetensors.torch import save_file

from mechanics.addition.measures import TABLES
from mechanics.examine.formats import WeightsError
from mechanics.examine.imported import take
from mechanics.models import regression
from mechanics.models.weights import Network, read_network, write_network
from mechanics.runtime.files import sha256
from mechanics.settings import ConfigError

P = 23


def imported(tmp_path, **asked) -> tuple[Network, dict]:
    output = tmp_path / "theirs/seed0.safetensors"
    take(asked, output, tmp_path / "run")
    return read_network(output), json.loads((tmp_path / "run/run.json").read_text("utf-8"))


@pytest.fixture
def clock(tmp_path) -> dict:
    """A clock in a file, and what a config asks of it."""
    weights, _ = clock_network(P, [2, 7], thresholds=[0.0, 0.15])
    own = {name: tensor[0].float() for name, tensor in weights.items()}
    own["blocks.0.attn.b_K"] = torch.ones_like(own["blocks.0.attn.W_K"][:, 0])
    torch.save(own, tmp_path / "clock.pth")
    return {"task": "modular_addition", "p": P, "weights": str(tmp_path / "clock.pth")}


def test_a_circuit_of_others_is_measured_on_all_pairs(tmp_path, clock):
    network, record = imported(tmp_path, **clock, train_fraction=None)
    assert (network.model, network.seed, network.status) == ("theirs", 0, "imported")
    assert record["source"]["sha256"] == sha256(tmp_path / "clock.pth")
    assert record["source"]["folded"] == "blocks.0.attn.b_K"
    assert record["asked"] == clock
    weights, tables = tmp_path / "theirs/seed0.safetensors", tmp_path / "tables"
    run_program("analyse_addition", "--weights", weights, "--split", "--output", tables)
    written = {path.stem for path in tables.glob("*.parquet")}
    assert written == {name for own in TABLES.values() for name in own}
    evaluation = pd.read_parquet(tables / "evaluation.parquet")
    assert evaluation[["split", "accuracy"]].to_numpy().tolist() == [["all", 1.0]]
    assert pd.read_parquet(tables / "circuit.parquet")["key_frequencies"].item() == "2 7"


OTHER_TASK = {"task": "linear_regression", "d": 3, "attention": "softmax"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"p": 29}, "p = 23: expected 29, as is stated"),
        ({"n_layers": 2}, "n_layers = 1: expected 2"),
        (OTHER_TASK, "task = modular_addition: expected linear_regression"),
        ({"format": "nanda"}, "format = lens3: expected nanda"),
    ],
)
def test_what_is_stated_must_be_the_files(tmp_path, clock, changes, message):
    with pytest.raises(WeightsError, match=f"clock.pth: {message}"):
        imported(tmp_path, **clock | changes)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("key", ["task", "weights"])
def test_settings_without_task_or_file_are_refused(tmp_path, clock, key):
    with pytest.raises(ConfigError, match=f"--settings: {key} is absent: expected task, p or d"):
        imported(tmp_path, **clock | {key: None})


def test_what_was_recorded_of_our_own_is_kept(tmp_path, clock):
    weights, _ = clock_network(P, [2, 7])
    recorded = {"settings": {"operation": "multiply", "attention": "linear"}}
    own = {name: tensor[0].contiguous() for name, tensor in weights.items()}
    save_file(own, tmp_path / "ours.safetensors", metadata={"json": json.dumps(recorded)})
    found, _ = imported(tmp_path, **clock | {"weights": str(tmp_path / "ours.safetensors")})
    assert found.settings | recorded["settings"] == found.settings


def test_our_own_weights_come_back_without_their_training(tmp_path):
    own = regression_settings()
    weights = {n: t[None] for n, t in regression.initial(own, 0).items()}
    network = Network("linear_regression", "linear_L1", 3, 20, "finished", own, weights)
    write_network(tmp_path / "ours.safetensors", network)
    asked = {"task": "linear_regression", "d": 3, "k_min": 5, "k_max": 9, "measured_at": [4]}
    asked |= {"attention": "linear", "n_layers": 1, "d_model": "token"}
    found, record = imported(tmp_path, **asked, weights=str(tmp_path / "ours.safetensors"))
    assert all(torch.equal(found.weights[name], weights[name]) for name in weights)
    assert "steps" not in found.settings
    assert found.settings["checkpoints_at"] is None
    assert found.settings["k_max"] == own["k_max"]  # as it was trained
    assert (found.step, record["settings"]) == (20, found.settings)
