"""Frequencies removed and kept, in networks whose circuit is known."""

import math

import pandas as pd
import pytest
import torch
from clock_network import clock_network, final
from helpers import addition_network, addition_settings, addition_split, random_weights

from analyse_addition import measure as measured
from mechanics.models.weights import Network

P, KEYS = 31, [3, 15]
SPLIT = ["all", "train", "validation"]
NEED_KEYS = {"keys_only", "without_keys", "equal_best"}


def measure(network: Network) -> tuple[pd.DataFrame, pd.DataFrame]:
    tables = measured("ablation", [network], {0: addition_split(network.settings)})
    return tables["ablation"], tables["parsimony"]


def random_network(factor: float = 1.0, **changes) -> Network:
    settings = addition_settings(p=P, **changes)
    weights = {name: factor * tensor for name, tensor in random_weights(settings).items()}
    return addition_network(settings, weights)


@pytest.fixture(scope="module")
def clock():
    return measure(final(*clock_network(P, KEYS, d_model=8)))


def test_each_frequency_is_ablated_on_each_split_and_only_keys_are_needed_by_a_clock(clock):
    ablation, _ = clock
    wide = ablation.pivot(index="frequency", columns="split", values="loss")
    assert wide.index.tolist() == list(range(1, 16))
    assert wide.columns.tolist() == SPLIT
    assert sorted(set(ablation.loc[ablation["is_key"], "frequency"])) == KEYS
    ratio = ablation["loss"] / ablation["loss_full"]
    assert (ratio[ablation["is_key"]] > 100).all()
    assert ratio[~ablation["is_key"]].to_numpy() == pytest.approx(1, abs=1e-6)
    share = int(0.3 * P * P) / P**2  # of the split's file
    mixed = share * wide["train"] + (1 - share) * wide["validation"]
    assert mixed.to_numpy() == pytest.approx(wide["all"].to_numpy(), rel=1e-10)


def test_keys_suffice_and_as_many_others_do_not_and_curves_start_at_guessing(clock):
    table = clock[1][clock[1]["draw"] == 0].set_index(["kind", "n"]).sort_index()
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


@pytest.mark.parametrize(
    "changes", [{"n_layers": 2, "layer_norm": True}, {"attention": "linear"}], ids=str
)
def test_any_network_has_every_row(changes):
    ablation, parsimony = measure(random_network(**changes))
    assert ablation["loss"].notna().all()
    assert parsimony.loc[parsimony["kind"] == "ideal", "loss"].notna().all()


def test_network_without_keys_has_nan_where_it_needs_them():
    network = random_network()
    network.weights["unembed.W_U"][0] = torch.eye(8, P)  # a logit is a direction of its own: flat
    network.weights["blocks.0.mlp.W_out"][..., 0] = 1
    network.weights["blocks.0.mlp.W_out"][..., 1:] = 0  # W_L writes to c = 0 alone
    ablation, parsimony = measure(network)
    assert not ablation["is_key"].any()
    own = parsimony[parsimony["kind"].isin(NEED_KEYS)]
    assert set(own["kind"]) == NEED_KEYS
    assert own[["loss", "accuracy", "min_margin"]].isna().all(axis=None)
    assert (own["n"] == 0).all()


def test_diverged_weights_give_nan():
    ablation, parsimony = measure(random_network(math.nan))
    assert ablation[["loss", "accuracy", "loss_full"]].isna().all(axis=None)
    assert not ablation["is_key"].any()
    formula_of_nothing = (parsimony["kind"] == "ideal") & (parsimony["n"] == 0)
    assert parsimony.loc[~formula_of_nothing, ["loss", "accuracy"]].isna().all(axis=None)
