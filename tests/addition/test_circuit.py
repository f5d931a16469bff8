"""The circuit of networks whose circuit is known, or that have none."""

import pandas as pd
import pytest
import torch
from clock_network import PIZZA_THRESHOLDS, carrying_network, clock_network, final
from helpers import random_network

from mechanics.addition.analysis import measure


@pytest.mark.parametrize("kind", ["clock", "pizza"])
def test_a_network_built_by_hand(kind):
    changes = {"thresholds": PIZZA_THRESHOLDS} if kind == "pizza" else {}
    network = final(*clock_network(59, (4, 17), **changes))
    before = network.weights["embed.W_E"].clone()
    tables = measure("circuit", [network])
    assert torch.equal(network.weights["embed.W_E"], before)
    row = tables["circuit"].iloc[0]
    assert row["key_frequencies"] == row["keys_w_e"] == row["keys_neurons"] == "4 17"
    assert row["keys_from"] == "W_L"
    assert row["neurons_explained_weighted"] > (0.999 if kind == "pizza" else 0.5)
    assert row["harmonics"] == "8 25"  # 2 × 4, and 59 − 2 × 17
    assert row["w_e_keys"] == pytest.approx(1)
    assert row["w_e_harmonics"] == pytest.approx(0, abs=1e-10)
    assert row["clock_circles"] == (2 if kind == "clock" else 0)
    assert row["logit_fve"] > (0.98 if kind == "clock" else 0.75)
    identities = tables["identities"]
    assert identities["frequency"].tolist() == [4, 17]
    q, other = ("q_clock", "q_pizza") if kind == "clock" else ("q_pizza", "q_clock")
    assert (identities[q] > 0.98).all()
    assert (identities[other] < 0.9).all()
    expected, within = 1, 0.02
    if kind == "pizza":  # its neurons hold |cos ω(a − b)/2| cos ω(a + b)
        length = (torch.pi / 59 * torch.arange(59).double()).cos().abs()  # of any frequency
        expected, within = float(length.mean() ** 2 / length.square().mean()), 1e-10
        assert row["distance_irrelevance"] == pytest.approx(0, abs=1e-7)
    for r_squared in ("cos_r_squared", "sin_r_squared"):
        assert identities[r_squared].tolist() == pytest.approx([expected] * 2, abs=within)
    circles = tables["circles"].set_index(["plane", "frequency"])
    assert circles.loc["key", "radius_cv"].tolist() == pytest.approx([0, 0], abs=1e-10)
    embedding = tables["embedding"]
    shares = embedding[embedding["kind"] == "share"].set_index("index")["value"]
    assert shares.index.tolist() == list(range(1, 30))
    assert shares[[4, 17]].tolist() == pytest.approx([0.5, 0.5], abs=1e-10)
    plane = embedding[(embedding["kind"] == "key_x") & (embedding["frequency"] == 17)]
    assert plane["index"].tolist() == list(range(59))


@pytest.mark.parametrize("is_alive", [True, False])
def test_a_network_without_key_frequencies_and_one_whose_neurons_are_never_alive(is_alive):
    network = random_network(0.3, p=59)
    if not is_alive:
        network.weights["blocks.0.mlp.b_in"].fill_(-1e3)
    tables = measure("circuit", [network])
    row = tables["circuit"].iloc[0]
    assert row["key_frequencies"] == ""
    assert row[["logit_fve", "clock_circles"]].isna().all()
    assert 0 < row["distance_irrelevance"] < 1.1
    assert (row["neurons_explained"], row["keys_neurons"]) == (0, "")
    assert tables["identities"].empty
    assert tables["circles"]["plane"].tolist() == ["raw"]


@pytest.mark.parametrize("changes", [{"n_layers": 2}, {"layer_norm": True}])
def test_measures_that_do_not_apply_are_nan(changes):
    row = measure("circuit", [random_network(0.3, **changes)])["circuit"].iloc[0]
    assert row["keys_from"] == "logits"
    assert row[["clock_circles", "neurons_explained_weighted"]].isna().all()
    assert row["distance_irrelevance"] > 0


def test_weights_that_are_not_finite_give_one_row_of_nan():
    network = random_network(0.3)
    network.weights["embed.W_E"][0, 0] = torch.nan
    tables = measure("circuit", [network])
    assert tables["circuit"].loc[0, ["seed", "key_frequencies"]].tolist() == [0, ""]
    assert tables["circuit"].loc[0, "w_e_keys":].isna().all()
    assert all(tables[name].empty for name in ("identities", "circles", "embedding"))
    assert pd.api.types.is_float_dtype(tables["circles"]["radius_cv"])


def test_no_share_is_more_than_the_whole():
    """By rounding it was 1 + 2e-16."""
    row = measure("circuit", [final(*clock_network(7, (2,)))])["circuit"].iloc[0]
    assert row["logit_fve"] == pytest.approx(1)
    assert row[["logit_fve", "w_e_keys", "neurons_explained_weighted"]].max() <= 1


@pytest.mark.parametrize("kind", ["clock", "two layers", "no keys", "not finite"])
def test_the_evaluation_finds_the_same_keys(kind):
    network = final(*clock_network(59, (4, 17)))
    if kind == "two layers":  # keys of the logits
        network = final(*carrying_network(59, (4, 17), carrier=1, scale=1.0))
    if kind == "no keys":
        network = random_network(0.3, p=59)
    if kind == "not finite":
        network.weights["embed.W_E"][0, 0] = torch.nan
    own, of_circuit = (measure(name, [network])[name] for name in ("evaluation", "circuit"))
    columns = ["key_frequencies", "logit_fve"]
    assert own.loc[0, columns].equals(of_circuit.loc[0, columns])
    assert own.loc[0, "key_frequencies"] == ("4 17" if kind in ("clock", "two layers") else "")
