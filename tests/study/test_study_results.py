"""Networks are found by their weights, in a study's own folder as in what is published of it."""

import pytest
import torch
from helpers import addition_settings, regression_settings
from small_study import write_weights

from mechanics.study.results import final_networks, model_for, networks
from mechanics.training.checkpoint import CheckpointError

NUMBERS = {"embed.W_E": torch.ones(1, 1)}
NOT_A_NUMBER = NUMBERS | {"unembed.W_U": torch.tensor([[1.0, torch.nan]])}
INFINITE = NUMBERS | {"unembed.W_U": torch.tensor([[1.0, torch.inf]])}


def test_seeds_come_in_order_without_diverged_ones(tmp_path):
    settings = regression_settings()
    for seed in (10, 2):
        write_weights(tmp_path, "linear", settings, seed)
    write_weights(tmp_path, "linear", settings, 3, NOT_A_NUMBER)
    write_weights(tmp_path, "linear", settings, 4, INFINITE)
    found = final_networks(tmp_path, "linear_regression", "linear")
    assert [network.seed for network in found] == [2, 10]


def test_roles_are_found_by_what_a_network_is(tmp_path):
    write_weights(tmp_path, "a", regression_settings(n_heads=2))
    write_weights(tmp_path, "any_name", regression_settings())
    write_weights(tmp_path, "theirs", regression_settings(weights="theirs.pth"))  # imported
    write_weights(tmp_path, "any_name_wide", regression_settings(d_max=5))
    write_weights(tmp_path, "b", addition_settings(attention="linear"))
    write_weights(tmp_path, "c", addition_settings(layer_norm=True))
    write_weights(tmp_path, "d", addition_settings(layer_norm=True, n_layers=2))
    write_weights(tmp_path, "e", addition_settings(operation="subtract"))
    assert model_for(tmp_path, "gradient-step") == ("linear_regression", "any_name")
    assert model_for(tmp_path, "clock") is None
    assert model_for(tmp_path, "deep-addition") == ("modular_addition", "d")


def test_a_network_without_a_sound_seed_fills_no_role(tmp_path):
    settings = addition_settings()
    write_weights(tmp_path, "net", settings, weights=NOT_A_NUMBER)
    write_weights(tmp_path, "net_variant", settings)
    assert model_for(tmp_path, "clock") == ("modular_addition", "net_variant")


def test_a_folder_without_weights_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"no weights: expected the folder of a finished"):
        networks(tmp_path)
