"""Whether neurons carry the modular jump, in networks of which it is known."""

import pytest
import torch
from clock_network import clock_network, final
from helpers import random_network, run_program

from mechanics.addition.analysis import measure
from mechanics.addition.pairs import all_pairs
from mechanics.addition.wrap_around import split_agreement, strongest_correlation, wraps
from mechanics.models.weights import write_network

P = 59


def test_no_neuron_of_a_circuit_of_waves_carries_the_jump():
    row = measure("wrap_around", [final(*clock_network(P, (14, 17)))])["wrap_around"].iloc[0]
    assert row["agreement"] > row["agreement_halves"] - 0.02
    assert row["follows_wrap"] < 0.1
    assert 1500 < row["n_crossing"] < 2500  # of 4,000, half of which cross


def test_a_neuron_that_carries_the_jump_is_seen():
    draw = torch.Generator().manual_seed(0)
    crossing = torch.rand(4000, generator=draw) < 0.5
    gaps = torch.ones(4000, dtype=torch.float64)
    shares = torch.linspace(0, 1, 50, dtype=torch.float64)[:, None]
    effects = shares + 0.1 * torch.randn(50, 4000, generator=draw, dtype=torch.float64)
    assert split_agreement(effects, gaps, crossing) > 0.99
    effects[:10, crossing] += 5
    assert split_agreement(effects, gaps, crossing) < 0.5
    corners = torch.tensor([[0, 0], [30, 28], [30, 29], [58, 58]])
    assert wraps(corners, P).tolist() == [False, False, True, True]
    wrapped = wraps(all_pairs(P), P)
    neurons = torch.stack([wrapped.double(), torch.ones(P * P), all_pairs(P)[:, 0]], dim=1)
    assert strongest_correlation(neurons, wrapped) == pytest.approx(1)
    assert strongest_correlation(neurons[:, 2:], wrapped) == pytest.approx(0.577, abs=0.01)


def test_a_product_does_not_wrap(tmp_path):
    path = tmp_path / "seed0.safetensors"
    write_network(path, random_network(operation="multiply"))
    options = ("--weights", path, "--only", "wrap_around", "--output", tmp_path / "tables")
    with pytest.raises(SystemExit, match=r"seed0.safetensors: no measure wrap_around of such"):
        run_program("analyse_addition", *options)


def test_a_deeper_network_has_no_row():
    for networks in ([], [random_network(n_layers=2)]):
        table = measure("wrap_around", networks)["wrap_around"]
        assert table.empty and table.columns[0] == "seed"
