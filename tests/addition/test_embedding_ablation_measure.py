"""The embedding ablated, in networks whose frequencies are known."""

import math

import pandas as pd
import pytest
import torch
from clock_network import clock_network
from helpers import addition_network, addition_settings, random_weights, sizes_of

from mechanics.addition.embedding_ablation import embedding_ablation

P, KEYS = 31, [3, 15]
ABOUT_KEYS = ["keys_kept", "keys_removed", "random_kept", "random_removed"]
HARMONICS = [1, 6]  # 2 × 3, and 2 × 15 = −1 (mod 31)


def measure(settings: dict, weights: dict) -> pd.DataFrame:
    return embedding_ablation([addition_network(settings, weights)], {})


@pytest.fixture(scope="module")
def clock() -> pd.DataFrame:
    parameters, network = clock_network(P, KEYS, d_model=8)
    weights = {name: tensor[0].float() for name, tensor in parameters.items()}
    settings = addition_settings(p=P, **sizes_of(network))
    return measure(settings, weights)


def test_a_row_for_each_set_draw_and_frequency(clock):
    counts = clock.groupby("kind").size().to_dict()
    assert counts == {"whole": 1, "keys_kept": 1, "keys_removed": 1, "one_removed": 15} | {
        "harmonics_removed": 1,
        "both_kept": 1,
        "random_kept": 10,
        "random_removed": 10,
    }
    single = clock[clock["kind"] == "one_removed"]
    assert single["frequency"].tolist() == list(range(1, 16))
    assert single.loc[single["is_key"], "frequency"].tolist() == KEYS
    assert single.loc[single["group"] == "harmonic", "frequency"].tolist() == HARMONICS
    assert (single["is_key"] == (single["group"] == "key")).all()
    assert (clock.loc[clock["kind"].isin(ABOUT_KEYS), "n"] == 2).all()
    assert clock.loc[clock["kind"] == "both_kept", "n"].item() == 4


def test_only_keys_are_read_by_a_clock(clock):
    by_kind = clock.groupby("kind")[["loss", "accuracy", "share"]]
    low, high = by_kind.min(), by_kind.max()
    whole = clock["loss_whole"].iloc[0]
    for kind in ("keys_kept", "random_removed", "harmonics_removed", "both_kept"):
        assert low.loc[kind, "accuracy"] == 1
        assert high.loc[kind, "loss"] == pytest.approx(whole, rel=1e-3)  # float32 weights
    for kind in ("keys_removed", "random_kept"):
        assert low.loc[kind, "loss"] == pytest.approx(math.log(P), rel=1e-3)
    assert low.loc["keys_kept", "share"] == pytest.approx(1)
    assert high.loc["random_kept", "share"] < 1e-10


def test_deep_networks_are_measured():
    settings = addition_settings(p=P, n_layers=2, layer_norm=True)
    table = measure(settings, random_weights(settings))
    own = table[table["kind"].isin(["whole", "one_removed"])]
    assert own["loss"].notna().all()
    assert own.loc[own["kind"] == "whole", "loss"].item() == table["loss_whole"].iloc[0]


@pytest.mark.parametrize("weight", [math.nan, 1.0])
def test_embedding_without_keys_has_nan_where_it_needs_them(weight):
    """A diverged network, and one whose embedding is the same for all numbers."""
    settings = addition_settings(p=P)
    weights = random_weights(settings)
    weights["embed.W_E"] = torch.full_like(weights["embed.W_E"], weight)
    table = measure(settings, weights)
    own = table[~table["kind"].isin(["whole", "one_removed"])]
    assert sorted(own["kind"]) == sorted([*ABOUT_KEYS, "harmonics_removed", "both_kept"])
    assert own[["loss", "accuracy", "share"]].isna().all(axis=None)
    assert (own["n"] == 0).all()
    assert not table["is_key"].any()
