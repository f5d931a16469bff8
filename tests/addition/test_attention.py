"""The attention of heads whose frequency is planted, and of networks that attend evenly."""

import math

import pandas as pd
import pytest
import torch
from helpers import random_network

from mechanics.addition.attention import describe, measure
from mechanics.addition.pairs import all_pairs

P = 11


def test_a_planted_frequency_is_found_and_even_attention_has_none():
    a, b = all_pairs(P).double().T
    wave = 0.4 + 0.1 * torch.cos(2 * torch.pi * 5 / P * (a - b))
    even = torch.full_like(wave, 1 / 3)
    pattern = torch.stack([torch.stack([wave, even, 2 / 3 - wave]), torch.stack([even] * 3)])
    rows = pd.DataFrame(describe(pattern.permute(2, 0, 1))).set_index(["head", "position"])
    found = rows.loc[[(0, "a"), (1, "a")], ["frequency", "fve", "mean"]].to_numpy().tolist()
    assert found[0] == pytest.approx([5, 1, 0.4], abs=1e-10)
    assert found[1] == pytest.approx([0, math.nan, 1 / 3], abs=1e-10, nan_ok=True)


@pytest.mark.parametrize(("size", "varies"), [(1e-5, True), (1e-7, False)])
def test_what_float32_cannot_resolve_is_no_frequency(size, varies):
    a, _ = all_pairs(P).double().T
    weights = 1 / 3 + size * torch.cos(2 * torch.pi * 5 / P * a)
    row = describe(weights[:, None, None].expand(-1, 1, 3))[0]
    assert row["frequency"] == (5 if varies else 0)
    assert math.isnan(row["fve"]) is not varies
    assert row["std"] == pytest.approx(size / 2**0.5, rel=0.01)  # said in either case


def test_every_head_of_every_layer_has_rows():
    heads = pd.DataFrame(measure(random_network(n_layers=2, n_heads=2))["attention"])
    assert len(heads) == 2 * 2 * 3
    totals = heads.groupby(["layer", "head"])["mean"].sum()
    assert totals.tolist() == pytest.approx([1.0] * 4)
