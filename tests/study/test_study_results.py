"""The same networks come out of a study's own folder and out of what is published of it."""

from pathlib import Path

import pytest
import torch
from helpers import addition_settings, regression_settings, write_run

from mechanics.models import addition, regression
from mechanics.models.transformer import architecture, initialise, token_d
from mechanics.runtime.seeds import generator
from mechanics.study.results import final_networks, final_weights, model_for, networks
from mechanics.training.checkpoint import CheckpointError, write_tensors


def first_weights(settings: dict) -> dict[str, torch.Tensor]:
    if settings["task"] == "linear_regression":
        shapes = regression.parameter_shapes(architecture(settings), token_d(settings))
    else:
        shapes = addition.parameter_shapes(architecture(settings), settings["p"])
    return initialise(shapes, 0.1, generator("init", 0))


def own_folder(study: Path, model: str, settings: dict, weights=None) -> None:
    folder = study / "runs" / settings["task"] / model / "0"
    folder.mkdir(parents=True)
    write_run(folder, settings, weights or first_weights(settings))


def publish(study: Path, model: str, settings: dict, seed: int, weights=None) -> None:
    about = {"seed": seed, "step": settings["steps"], "settings": settings}
    path = study / "weights" / settings["task"] / model / f"seed{seed}.safetensors"
    write_tensors(path, weights or first_weights(settings), about)


def broken(settings: dict) -> dict[str, torch.Tensor]:
    return {name: torch.full_like(t, torch.nan) for name, t in first_weights(settings).items()}


def test_both_folders_give_the_same_network(tmp_path):
    settings = addition_settings()
    own_folder(tmp_path / "own", "clock", settings)
    publish(tmp_path / "published", "clock", settings, 0)
    own, published = (
        final_weights(tmp_path / folder, "modular_addition", "clock", 0)
        for folder in ("own", "published")
    )
    assert own.settings == published.settings
    assert own.step == published.step == settings["steps"]
    assert own.weights.keys() == published.weights.keys()
    for name, tensor in own.weights.items():
        assert tensor.shape[0] == 1
        assert torch.equal(tensor, published.weights[name])


def test_seeds_come_in_order_without_diverged_ones(tmp_path):
    settings = regression_settings()
    for seed in (10, 2):
        publish(tmp_path, "linear", settings, seed)
    publish(tmp_path, "linear", settings, 3, broken(settings))
    found = final_networks(tmp_path, "linear_regression", "linear")
    assert [network.seed for network in found] == [2, 10]
    with pytest.raises(CheckpointError, match="no finite weights of linear_regression/linear"):
        final_weights(tmp_path, "linear_regression", "linear", 3)


def test_roles_are_found_by_what_a_network_is(tmp_path):
    own_folder(tmp_path, "a", regression_settings(n_heads=2))
    own_folder(tmp_path, "any_name", regression_settings())
    own_folder(tmp_path, "any_name_wide", regression_settings(d_max=5))
    own_folder(tmp_path, "b", addition_settings(attention="linear"))
    own_folder(tmp_path, "c", addition_settings(layer_norm=True))
    assert model_for(tmp_path, "gradient-step") == ("linear_regression", "any_name")
    assert model_for(tmp_path, "clock") is None


def test_a_network_without_a_sound_seed_fills_no_role(tmp_path):
    settings = addition_settings()
    own_folder(tmp_path, "net", settings, broken(settings))
    own_folder(tmp_path, "net_variant", settings)
    assert model_for(tmp_path, "clock") == ("modular_addition", "net_variant")


def test_settings_published_before_d_max_are_understood(tmp_path):
    settings = regression_settings()
    del settings["d_max"]
    complete = first_weights(regression_settings())
    publish(tmp_path, "linear", settings, 0, complete)
    assert model_for(tmp_path, "gradient-step") == ("linear_regression", "linear")
    assert final_weights(tmp_path, "linear_regression", "linear", 0).architecture.d_model == 4


def test_a_folder_without_weights_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"no weights: expected the folder of a finished"):
        networks(tmp_path)
