"""Frequencies removed and kept, of logits and of the embedding, where the circuit is known."""

import math

import pandas as pd
import pytest
import torch
from clock_network import clock_network, final
from helpers import addition_split, random_network

from mechanics.addition.analysis import measure
from mechanics.addition.embedding_ablation import in_embedding
from mechanics.addition.fourier import fourier_basis
from mechanics.models.weights import Network

P, KEYS = 31, [3, 15]
NEED_KEYS = {"keys_only", "without_keys", "equal_best"}
ABOUT_KEYS = ["keys_kept", "keys_removed", "random_kept", "random_removed"]


def of_logits(network: Network) -> tuple[pd.DataFrame, pd.DataFrame]:
    tables = measure("ablation", [network], {0: addition_split(network.settings)})
    return tables["ablation"], tables["parsimony"]


@pytest.fixture(scope="module")
def clock() -> Network:
    return final(*clock_network(P, KEYS))


@pytest.fixture(scope="module")
def removed(clock) -> pd.DataFrame:
    return measure("embedding_ablation", [clock])["embedding_ablation"]


def test_only_keys_are_needed_by_a_clock_and_they_suffice(clock):
    ablation, parsimony = of_logits(clock)
    wide = ablation.pivot(index="frequency", columns="split", values="loss")
    assert wide.index.tolist() == list(range(1, 16))
    assert wide.columns.tolist() == ["all", "train", "validation"]
    assert sorted(set(ablation.loc[ablation["is_key"], "frequency"])) == KEYS
    ratio = ablation["loss"] / ablation["loss_full"]
    assert (ratio[ablation["is_key"]] > 100).all()
    assert ratio[~ablation["is_key"]].to_numpy() == pytest.approx(1, abs=1e-6)
    share = int(0.3 * P * P) / P**2  # of the split's file
    mixed = share * wide["train"] + (1 - share) * wide["validation"]
    assert mixed.to_numpy() == pytest.approx(wide["all"].to_numpy(), rel=1e-10)
    table = parsimony[parsimony["draw"] == 0].set_index(["kind", "n"]).sort_index()
    loss, margin, accuracy = table["loss"], table["min_margin"], table["accuracy"]
    assert accuracy["full", 15] == 1
    assert accuracy["keys_only", 2] == accuracy["without_random_frequencies", 2] == 1
    assert loss["without_keys", 2] > 0.5
    for guessing in (("random_frequencies", 2), ("frequencies", 0)):
        assert loss[guessing] == pytest.approx(math.log(P), abs=1e-4)
    assert loss["frequencies", 2] == pytest.approx(loss["keys_only", 2], rel=1e-10)
    # a clock's mean amplitudes are its formula
    assert margin["ideal", 2] == pytest.approx(margin["keys_only", 2], rel=1e-4)
    best = margin["equal_best"]  # of one frequency tiny, and more have more
    assert best.index.tolist() == list(range(1, 11))
    assert best.is_monotonic_increasing
    assert margin["ideal", 2] <= best[2]


def test_network_without_keys_has_nan_where_it_needs_them():
    network = random_network(p=P)
    network.weights["unembed.W_U"][0] = torch.eye(8, P)  # a logit is a direction of its own: flat
    network.weights["blocks.0.mlp.W_out"][..., 0] = 1
    network.weights["blocks.0.mlp.W_out"][..., 1:] = 0  # W_L writes to c = 0 alone
    ablation, parsimony = of_logits(network)
    assert not ablation["is_key"].any()
    own = parsimony[parsimony["kind"].isin(NEED_KEYS)]
    assert set(own["kind"]) == NEED_KEYS
    assert own[["loss", "accuracy", "min_margin"]].isna().all(axis=None)
    assert (own["n"] == 0).all()


def test_diverged_weights_give_nan():
    ablation, parsimony = of_logits(random_network(math.nan, p=P))
    assert ablation[["loss", "accuracy", "loss_full"]].isna().all(axis=None)
    assert not ablation["is_key"].any()
    formula_of_nothing = (parsimony["kind"] == "ideal") & (parsimony["n"] == 0)
    assert parsimony.loc[~formula_of_nothing, ["loss", "accuracy"]].isna().all(axis=None)


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


def test_a_row_for_each_set_draw_and_frequency(removed):
    expected = {"whole": 1, "one_removed": 15, "random_kept": 10, "random_removed": 10}
    expected |= dict.fromkeys(["keys_kept", "keys_removed", "harmonics_removed", "both_kept"], 1)
    assert removed["kind"].value_counts().to_dict() == expected
    single = removed[removed["kind"] == "one_removed"].set_index("frequency")
    groups = dict.fromkeys(range(1, 16), "other") | dict.fromkeys(KEYS, "key")
    groups |= dict.fromkeys([1, 6], "harmonic")  # 2 × 3, and 2 × 15 = −1 (mod 31)
    assert single["group"].to_dict() == groups
    assert (single["is_key"] == (single["group"] == "key")).all()
    n = removed.set_index("kind")["n"]
    assert set(n[ABOUT_KEYS]) == {2} and n["both_kept"] == 4


def test_only_keys_are_read_by_a_clock(removed):
    by_kind = removed.groupby("kind")[["loss", "accuracy", "share"]]
    low, high = by_kind.min(), by_kind.max()
    whole = removed["loss"].iloc[0]
    for kind in ("keys_kept", "random_removed", "harmonics_removed", "both_kept"):
        assert low.loc[kind, "accuracy"] == 1
        assert high.loc[kind, "loss"] == pytest.approx(whole, rel=1e-3)
    for kind in ("keys_removed", "random_kept"):  # all neurons rest: uniform logits
        assert high.loc[kind, "accuracy"] < 2 / P  # no better than chance
        assert low.loc[kind, "loss"] == pytest.approx(math.log(P), rel=1e-3)
    single = removed[removed["kind"] == "one_removed"].set_index("frequency")["loss"]
    assert (single[KEYS] > 100 * whole).all()
    assert low.loc["keys_kept", "share"] == pytest.approx(1)
    assert high.loc["random_kept", "share"] < 1e-10


def test_no_frequency_matters_to_random_weights_of_a_deep_network():
    """Each holds some 1/15 of the embedding, so no single one moves the loss much."""
    own = {"n_layers": 2, "layer_norm": True, "d_model": 16, "d_mlp": 40}
    table = measure("embedding_ablation", [random_network(0.3, p=P, **own)])["embedding_ablation"]
    whole = table.set_index("kind").loc["whole"]
    single = table[table["kind"] == "one_removed"]
    assert single["loss"].to_numpy() == pytest.approx(whole["loss"], rel=0.02)
    assert single["accuracy"].to_numpy() == pytest.approx(whole["accuracy"], abs=0.03)


@pytest.mark.parametrize("weight", [math.nan, 1.0])
def test_embedding_without_keys_has_nan_where_it_needs_them(weight):
    """A diverged network, and one whose embedding is the same for all numbers."""
    network = random_network(p=P)
    network.weights["embed.W_E"][:] = weight
    table = measure("embedding_ablation", [network])["embedding_ablation"]
    own = table[~table["kind"].isin(["whole", "one_removed"])]
    assert sorted(own["kind"]) == sorted([*ABOUT_KEYS, "harmonics_removed", "both_kept"])
    assert own[["loss", "accuracy", "share"]].isna().all(axis=None)
    assert (own["n"] == 0).all()
    assert not table["is_key"].any()
