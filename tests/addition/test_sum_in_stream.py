"""Where a + b is in the stream, in networks and waves of which it is known by construction."""

import math

import pandas as pd
import pytest
import torch
from clock_network import carrying_network, clock_network, final, planted_logits
from helpers import normal

from mechanics.addition.analysis import measure
from mechanics.addition.pairs import all_pairs, targets
from mechanics.addition.sum_exchange import N_PROMPTS, Streams, prompt_pairs
from mechanics.addition.sum_in_stream import collapse, logit_shares, neurons_of_one_sum, shares

P, KEYS, SCALE = 31, [3, 7, 15], 2.0
PAIRS = all_pairs(P)
SUMS = targets(PAIRS, P)


class Measured:
    """Both tables of a network with a known carrier, which is ``at`` b or "="."""

    def __init__(self, carrier: int):
        self.at, self.other = ("b", "=") if carrier == 1 else ("=", "b")
        tables = measure("sum_in_stream", [final(*carrying_network(P, KEYS, carrier, SCALE))])
        stream, self.exchange = tables["sum_in_stream"], tables["sum_exchange"]
        by_place = stream.set_index(["quantity", "position", "layer", "frequency"]).sort_index()
        self.values = by_place["value"]

    def exchanged(self, name: str) -> pd.DataFrame:
        return self.exchange[self.exchange["carrier"] & (self.exchange["exchanged"] == name)]


@pytest.fixture(scope="module", params=[1, 2])
def measured(request) -> Measured:
    return Measured(request.param)


def wave(numbers, k: int = 2) -> torch.Tensor:
    return (2 * torch.pi * k / P * numbers.double()).cos()


def test_a_wave_depends_on_what_it_is_made_of_alone_and_parts_of_a_sum_add_up():
    a, b = PAIRS.T
    for name, numbers in (("a", a), ("b", b), ("sum", SUMS), ("difference", a - b)):
        none = dict.fromkeys(("share_a", "share_b", "share_sum", "share_difference"), 0.0)
        expected = none | {"variance": 0.5, f"share_{name}": 1.0}
        assert shares(3 + wave(numbers)[:, None], P) == pytest.approx(expected, abs=1e-12)
    found = shares(torch.stack([2 * wave(a), wave(SUMS), wave(a + 2 * b)], dim=1), P)
    assert found["share_a"] == pytest.approx(4 / 6)
    assert found["share_sum"] == pytest.approx(1 / 6)
    constant = shares(torch.full((P * P, 2), 0.1, dtype=torch.float64), P)
    assert constant.pop("variance") == 0
    assert all(math.isnan(share) for share in constant.values())


def test_the_stream_at_the_carrier_holds_what_was_put_there(measured):
    """Of every frequency b twice, its own and what attention brought, a once, and where b is the
    carrier a + b, ``SCALE``² in power; at "=" the same without b's own."""
    at, values = measured.at, measured.values
    of_b = 2 if at == "b" else 1
    total = 1 + of_b + SCALE**2
    found = {name: values[f"share_{name}", at, 1, 0] for name in ("a", "b", "sum")}
    expected = {"a": 1 / total, "b": of_b / total, "sum": SCALE**2 / total}
    assert found == pytest.approx(expected, rel=0.02)
    nothing = [values["share_difference", at, 1, 0], values["share_sum", measured.other, 1, 0]]
    assert nothing == pytest.approx([0, 0], abs=1e-10)
    spectrum = {k: 1 / len(KEYS) if k in KEYS else 0 for k in range(1, (P + 1) // 2)}
    assert values["spectrum", at, 1].to_dict() == pytest.approx(spectrum, abs=0.01)
    answer = values[:, "=", 2, 0]
    assert answer["uniform_least_margin"] == pytest.approx(answer["least_margin"])  # it is uniform
    assert answer["uniform_accuracy"] == 1


def test_the_carrier_is_found_and_the_sum_exchanged_there_is_answered_and_the_rest_is_not(measured):
    place = measured.exchange.set_index(["exchanged", "position", "layer"])
    found = measured.exchange.query("carrier")[["position", "layer"]].drop_duplicates()
    assert found.to_numpy().tolist() == [[measured.at, 1]]
    assert measured.values["sum_taken", measured.at, 1, 0] == pytest.approx(1)
    own, other = measured.at, measured.other
    for name, at, moved in (("sum", own, 1), ("rest", own, 0), ("sum", other, 0)):
        assert place["moved"][name, at, 1] == moved
        assert place["kept"][name, at, 1] == 1 - moved
    assert place["moved"]["sum", "=", 2] == 1
    assert measured.exchanged("others")["kept"].item() == 1
    assert measured.exchanged("keys everywhere")["moved"].item() == 1
    assert measured.exchanged("rest everywhere")["kept"].item() == 1


def test_a_sum_at_two_positions_is_exchanged_at_both():
    parameters, architecture = carrying_network(P, KEYS, 2, SCALE)
    parameters["pos_embed.W_pos"][0, 1] = 0  # nothing silences its neurons at b
    tables = measure("sum_in_stream", [final(parameters, architecture)])
    taken = tables["sum_in_stream"].query("quantity == 'sum_taken'").set_index("position")["value"]
    assert taken[["b", "="]].min() > 0.3
    moved = tables["sum_exchange"].set_index(["exchanged", "position", "layer"])["moved"]
    assert max(moved["sum", "=", 1], moved["sum", "b", 1]) < 1
    assert moved["keys everywhere", taken.idxmax(), 1] == 1
    assert moved["rest everywhere", taken.idxmax(), 1] == 0


def test_of_some_frequencies_exchanged_the_answer_is_that_of_the_mixed_waves(measured):
    """The logits are Σ_k cos ω_k (s_k − c), with each frequency's own sum s_k."""
    given, taken = SUMS[prompt_pairs(SUMS, seed=0)]
    keys = measured.exchanged("keys").sort_values("n_frequencies")
    assert keys["n_frequencies"].tolist() == [0, 1, 2, 3]
    assert keys["moved"].iloc[[0, 3]].tolist() == [0, 1]
    for row in keys.itertuples():
        chosen = [int(k) for k in row.frequencies.split()]
        logits = torch.zeros(N_PROMPTS, P, dtype=torch.float64)
        for k in KEYS:
            of_sum = given if k in chosen else taken
            logits += wave(of_sum[:, None] - torch.arange(P), k)
        expected = (logits.argmax(dim=1) == given).double().mean()
        assert row.moved == pytest.approx(float(expected), abs=0.01)


def test_logits_of_a_clock_depend_on_the_sum_minus_c_and_those_of_a_lookup_do_not():
    clock = planted_logits(P, {1: 1.0})
    assert logit_shares(clock) == pytest.approx(dict.fromkeys(logit_shares(clock), 1))
    code = normal(P, P)
    lookup = logit_shares(code[SUMS])
    assert lookup["logits_of_sum_and_c"] == pytest.approx(1)
    assert lookup["logits_of_sum_minus_c"] < 3 / P  # of noise: about 1 / p
    by_a = logit_shares(code[PAIRS[:, 0]])
    assert by_a["logits_of_sum_and_c"] < 3 / P  # the mean over a is a function of c


def test_one_hot_classes_and_waves_of_all_words_in_fewer_dimensions_lie_at_the_bound():
    """Cosines and sines of five frequencies are a tight code of P words in ten dimensions."""
    found = collapse(torch.eye(P, dtype=torch.float64)[SUMS], torch.eye(P).double(), P)
    expected = {"within_over_between": 0, "aligned_with_W_U": 1, "tight_code_share": 1}
    expected |= dict.fromkeys(["off_diagonal_rms", "welch_bound"], 1 / (P - 1))
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    angle = 2 * torch.pi / P * torch.arange(P)[:, None].double() * torch.tensor([1, 2, 5, 8, 13])
    code = torch.cat([angle.cos(), angle.sin()], dim=1)
    found = collapse(code[SUMS], code.T, 10)
    assert found["off_diagonal_rms"] == pytest.approx(found["welch_bound"])
    noisy = collapse(code[SUMS] + 0.1 * normal(P * P, 10), code.T, 10)
    assert noisy["within_over_between"] == pytest.approx(0.01 * 10 / 5, rel=0.1)


def test_neurons_of_one_sum_are_counted_with_their_sums():
    one_hot = torch.eye(P, dtype=torch.float64)[SUMS]
    neurons = [one_hot[:, 3], 2 * one_hot[:, 3], one_hot[:, 5] + 0.01 * one_hot[:, 6]]
    neurons += [one_hot[:, 1] + one_hot[:, 2], torch.zeros(P * P).double(), torch.ones(P * P)]
    found = neurons_of_one_sum(torch.stack(neurons, dim=1), P)
    assert found == {"neurons": 6, "neurons_of_one_sum": 3, "sums_with_a_neuron": 2}


def test_one_layer_is_read_after_it_and_knows_no_sum_before():
    network = final(*clock_network(P, KEYS, d_model=12))
    assert len(Streams(network).after) == 2
    exchange = measure("sum_in_stream", [network])["sum_exchange"]
    assert set(exchange["position"]) == {"="} and set(exchange["layer"]) == {1}
    assert exchange["carrier"].all()
    moved = exchange.set_index("exchanged")["moved"]
    assert moved["sum"] == 1 and moved["rest"] == 0


def test_weights_that_are_not_finite_have_no_rows_and_linear_attention_is_never_uniform():
    network = final(*clock_network(P, KEYS, d_model=12), attention="linear")
    stream = measure("sum_in_stream", [network])["sum_in_stream"].set_index("quantity")["value"]
    assert math.isnan(stream["uniform_accuracy"])
    network.weights["embed.W_E"][:] = math.nan
    assert all(table.empty for table in measure("sum_in_stream", [network]).values())
