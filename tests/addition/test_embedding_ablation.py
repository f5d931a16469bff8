"""The embedding ablated, in networks whose frequencies are known."""

import math

import pandas as pd
import pytest
import torch
from clock_network import clock_network, final
from helpers import addition_network, addition_settings, random_weights

from mechanics.addition import embedding_ablation
from mechanics.addition.embedding_ablation import in_embedding
from mechanics.addition.fourier import fourier_basis
from mechanics.models.weights import Network

P, KEYS = 31, [3, 15]
ABOUT_KEYS = ["keys_kept", "keys_removed", "random_kept", "random_removed"]
HARMONICS = [1, 6]  # 2 × 3, and 2 × 15 = −1 (mod 31)


def measure(network: Network) -> pd.DataFrame:
    return pd.DataFrame(embedding_ablation.measure(network)["embedding_ablation"])


@pytest.fixture(scope="module")
def clock() -> pd.DataFrame:
    return measure(final(*clock_network(P, KEYS, d_model=8)))


def test_planted_waves_are_kept_or_removed():
    """The last frequency included; the mean and the row of "=" stay."""
    basis, mean = fourier_basis(13), torch.tensor([4.0, 5.0], dtype=torch.float64)
    low, high = basis[[1, 2]].T, basis[[11, 12]].T  # frequencies 1 and 6
    W_E = torch.cat([mean + low + high, torch.full((1, 2), 9.0)])
    for left, changed in (
        (low, in_embedding(W_E, [6], keep=False)),
        (high, in_embedding(W_E, [6], keep=True)),
        (low + high, in_embedding(W_E, [], keep=False)),
        (torch.zeros_like(low), in_embedding(W_E, [], keep=True)),
    ):
        torch.testing.assert_close(changed[:-1], mean + left)
        assert changed[-1].tolist() == [9.0, 9.0]


def test_a_row_for_each_set_draw_and_frequency(clock):
    expected = {"whole": 1, "one_removed": 15, "random_kept": 10, "random_removed": 10}
    expected |= dict.fromkeys(["keys_kept", "keys_removed", "harmonics_removed", "both_kept"], 1)
    assert clock["kind"].value_counts().to_dict() == expected
    single = clock[clock["kind"] == "one_removed"].set_index("frequency")
    groups = dict.fromkeys(range(1, 16), "other") | dict.fromkeys(HARMONICS, "harmonic")
    assert single["group"].to_dict() == groups | dict.fromkeys(KEYS, "key")
    assert (single["is_key"] == (single["group"] == "key")).all()
    n = clock.set_index("kind")["n"]
    assert set(n[ABOUT_KEYS]) == {2} and n["both_kept"] == 4


def test_only_keys_are_read_by_a_clock(clock):
    by_kind = clock.groupby("kind")[["loss", "accuracy", "share"]]
    low, high = by_kind.min(), by_kind.max()
    whole = clock["loss"].iloc[0]
    for kind in ("keys_kept", "random_removed", "harmonics_removed", "both_kept"):
        assert low.loc[kind, "accuracy"] == 1
        assert high.loc[kind, "loss"] == pytest.approx(whole, rel=1e-3)
    for kind in ("keys_removed", "random_kept"):  # all neurons rest: uniform logits
        assert high.loc[kind, "accuracy"] < 2 / P  # no better than chance
        assert low.loc[kind, "loss"] == pytest.approx(math.log(P), rel=1e-3)
    single = clock[clock["kind"] == "one_removed"].set_index("frequency")["loss"]
    assert (single[KEYS] > 100 * whole).all()
    assert low.loc["keys_kept", "share"] == pytest.approx(1)
    assert high.loc["random_kept", "share"] < 1e-10


def test_no_frequency_matters_to_random_weights_of_a_deep_network():
    """Each holds some 1/15 of the embedding, so no single one moves the loss much."""
    settings = addition_settings(p=P, n_layers=2, layer_norm=True, d_model=16, d_mlp=40)
    table = measure(addition_network(settings, random_weights(settings, 0.3)))
    whole = table.set_index("kind").loc["whole"]
    single = table[table["kind"] == "one_removed"]
    assert single["loss"].to_numpy() == pytest.approx(whole["loss"], rel=0.02)
    assert single["accuracy"].to_numpy() == pytest.approx(whole["accuracy"], abs=0.03)


@pytest.mark.parametrize("weight", [math.nan, 1.0])
def test_embedding_without_keys_has_nan_where_it_needs_them(weight):
    """A diverged network, and one whose embedding is the same for all numbers."""
    settings = addition_settings(p=P)
    weights = random_weights(settings)
    weights["embed.W_E"] = torch.full_like(weights["embed.W_E"], weight)
    table = measure(addition_network(settings, weights))
    own = table[~table["kind"].isin(["whole", "one_removed"])]
    assert sorted(own["kind"]) == sorted([*ABOUT_KEYS, "harmonics_removed", "both_kept"])
    assert own[["loss", "accuracy", "share"]].isna().all(axis=None)
    assert (own["n"] == 0).all()
    assert not table["is_key"].any()
