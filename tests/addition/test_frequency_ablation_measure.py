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


def value(parsimony: pd.DataFrame, kind: str, column: str, n: int | None = None) -> float:
    own = parsimony[parsimony["kind"] == kind]
    return float((own if n is None else own[own["n"] == n])[column].iloc[0])


def test_a_row_for_each_split_and_frequency(clock):
    ablation, _ = clock
    keys = ["seed", "split", "frequency"]
    assert len(ablation) == len(ablation.drop_duplicates(keys)) == 3 * 15
    assert sorted(set(ablation["split"])) == SPLIT
    assert sorted(set(ablation.loc[ablation["is_key"], "frequency"])) == KEYS


def test_only_keys_are_needed_by_a_clock(clock):
    ablation, _ = clock
    ratio = ablation["loss"] / ablation["loss_full"]
    assert (ratio[ablation["is_key"]] > 100).all()
    assert ratio[~ablation["is_key"]].to_numpy() == pytest.approx(1, abs=1e-6)


def test_splits_are_those_of_the_file(clock):
    ablation, _ = clock
    share = int(0.3 * P * P) / P**2
    wide = ablation.pivot(index="frequency", columns="split", values="loss")
    mixed = share * wide["train"] + (1 - share) * wide["validation"]
    assert mixed.to_numpy() == pytest.approx(wide["all"].to_numpy(), rel=1e-10)


def test_keys_suffice_and_as_many_others_do_not(clock):
    _, parsimony = clock
    for kind in ("full", "keys_only", "without_random_frequencies"):
        assert value(parsimony, kind, "accuracy") == 1
    assert value(parsimony, "without_keys", "loss") > 0.5
    assert value(parsimony, "random_frequencies", "loss") == pytest.approx(math.log(P), abs=1e-4)


def test_curves_start_at_guessing_and_pass_the_keys(clock):
    _, parsimony = clock
    assert value(parsimony, "frequencies", "loss", 0) == pytest.approx(math.log(P), abs=1e-4)
    kept = value(parsimony, "keys_only", "loss")
    assert value(parsimony, "frequencies", "loss", len(KEYS)) == pytest.approx(kept, rel=1e-10)
    # a clock's mean amplitudes are its formula
    ideal = value(parsimony, "ideal", "min_margin", len(KEYS))
    assert ideal == pytest.approx(value(parsimony, "keys_only", "min_margin"), rel=1e-4)


def test_one_frequency_of_the_formula_has_a_tiny_margin_and_more_have_more(clock):
    _, parsimony = clock
    best = parsimony[parsimony["kind"] == "equal_best"].set_index("n")["min_margin"]
    assert best.index.tolist() == list(range(1, 11))
    assert best.is_monotonic_increasing
    assert value(parsimony, "ideal", "min_margin", 2) <= best[2]


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
