"""Patching of networks whose parts are known."""

import math

import pandas as pd
import pytest
from clock_network import clock_network, final, random_orthonormal
from helpers import random_network

from mechanics.addition.patched import measure
from mechanics.models.weights import Network

P = 29  # 14 frequencies: with fewer, a third of the power is no key frequency


def patch(network: Network, n_prompts=40) -> list[pd.DataFrame]:
    """The two tables, ``patched_neurons`` and ``patched_groups``."""
    return [pd.DataFrame(rows) for rows in measure(network, n_prompts=n_prompts).values()]


@pytest.fixture(scope="module")
def tables():
    return patch(final(*clock_network(P, [2, 5])))


def test_neurons_of_the_clock_carry_its_answer(tables):
    clock, _ = tables
    assert clock["frequency"].value_counts().tolist() == [len(clock) // 2] * 2
    assert clock["recovery"].sum() == pytest.approx(1, abs=1e-10)
    assert (clock["effect_hooked"] - clock["effect_closed_form"]).abs().max() < 1e-10
    assert clock["deviation"].max() < 1e-10
    assert set(clock["n_pairs"]) == {20}


@pytest.mark.parametrize("direction", ["denoising", "noising"])
def test_groups_of_the_clock(tables, direction):
    groups = tables[1][tables[1]["direction"] == direction]
    recovery = groups.set_index(["kind", "name"])["recovery"].sort_index()
    clusters = recovery["cluster"]
    assert set(clusters.index) == {"2", "5", "other"}
    assert clusters.sum() == pytest.approx(1, abs=1e-10)
    assert recovery["mlp"].tolist() == pytest.approx([1])
    assert recovery["attention"].to_dict() == pytest.approx({"L0": 1, "L0 direct": 0}, abs=1e-10)
    positions = recovery["position"]
    assert positions["L0 ="] == 0  # before the first layer it is the same in all prompts
    assert positions[["L0 a", "L0 b"]].max() < 0.9
    assert len(recovery["head"]) == 2
    exact = groups[groups["recovery_closed_form"].notna()]
    assert {"cluster", "top", "random", "mlp", "attention"} == set(exact["kind"])
    assert (exact["recovery"] - exact["recovery_closed_form"]).abs().max() < 1e-10


def test_top_neurons_recover_more_than_random_ones_and_all_of_them_the_same(tables):
    groups = tables[1][tables[1]["direction"] == "denoising"]
    by_kind = groups.set_index(["kind", "n_neurons"])["recovery"].sort_index()
    top, random = by_kind["top"], by_kind["random"].groupby("n_neurons").agg(["mean", "size"])
    assert top.index[-1] == tables[0]["neuron"].max() + 1
    assert (random["size"] == 5).all()
    beside = top.index[len(top) // 4]
    assert top[beside] > 1.2 * random.loc[beside, "mean"]
    assert [top.iloc[-1], random["mean"].iloc[-1]] == pytest.approx([1, 1])
    clusters = by_kind["cluster"].index
    assert set(clusters[clusters > 0]) <= set(random.index)


@pytest.mark.parametrize("std", [0.5, math.nan])
def test_networks_that_do_not_answer_have_no_recovery(std):
    neurons, groups = patch(random_network(std, p=P))
    for own in (neurons, groups):
        assert set(own["n_pairs"]) == {0}
        assert own[[c for c in own if c.startswith(("recovery", "effect"))]].isna().all(axis=None)
    assert "cluster" not in set(groups["kind"])  # neither has key frequencies


def test_linear_attention_has_the_closed_form_alone():
    network = final(*clock_network(P, [2, 5], d_model=10), attention="linear")
    weights, d_head = network.weights, network.settings["d_head"]
    spare = random_orthonormal(10, 0)[8]  # neither read nor written: a coordinate that is always 1
    weights["pos_embed.W_pos"] = weights["pos_embed.W_pos"] + spare
    for letter in "QK":  # so that every score is 1, and attention uniform as in the softmax clock
        weights[f"blocks.0.attn.W_{letter}"][..., 0] = spare * d_head**0.25
    neurons, groups = patch(network)
    assert neurons["recovery"].sum() == pytest.approx(1, abs=1e-10)
    assert neurons[["effect_hooked", "deviation"]].isna().all(axis=None)
    own = groups.groupby("kind")["recovery"].apply(lambda values: values.notna().sum())
    assert own[["head", "position"]].tolist() == [0, 0]
    assert (own[["cluster", "top", "random", "mlp", "attention"]] > 0).all()


def test_deep_network_with_layer_norm_is_patched_by_hooks_alone():
    network = random_network(p=P, n_layers=2, layer_norm=True)
    neurons, groups = patch(network, n_prompts=2000)
    assert neurons["n_pairs"].iloc[0] > 0  # chance answers a few
    nothing = ["effect_hooked", "effect_closed_form", "deviation", "recovery", "recovery_se"]
    assert neurons[nothing].isna().all(axis=None)
    assert set(groups["kind"]) == {"head", "position", "mlp", "attention"}
    assert groups["recovery"].notna().all()
    assert groups["recovery_closed_form"].isna().all()
    assert "L1H1" in set(groups["name"])
