"""The attention of heads whose frequency is planted, and of networks that attend evenly."""

import pandas as pd
import pytest
import torch
from helpers import addition_settings, run_program, write_run

from measure_addition_attention import describe
from mechanics.addition.pairs import all_pairs
from mechanics.models import addition
from mechanics.models.transformer import architecture, initialise

P = 11


def test_a_planted_frequency_is_found_and_even_attention_has_none():
    a, b = all_pairs(P).double().T
    wave = 0.4 + 0.1 * torch.cos(2 * torch.pi * 5 / P * (a - b))
    even = torch.full_like(wave, 1 / 3)
    pattern = torch.stack([torch.stack([wave, even, 2 / 3 - wave]), torch.stack([even] * 3)])
    rows = pd.DataFrame(describe(pattern.permute(2, 0, 1))).set_index(["head", "position"])
    assert rows["frequency"][0, "a"] == 5
    assert rows["fve"][0, "a"] == pytest.approx(1, abs=1e-10)
    assert rows["mean"][0, "a"] == pytest.approx(0.4)
    assert rows["frequency"][1, "a"] == 0
    assert rows["fve"].isna()[1, "a"]


@pytest.mark.parametrize(("attention", "n_layers"), [("softmax", 1), ("linear", 1), ("softmax", 2)])
def test_every_head_has_rows_and_the_first_layer_maps(tmp_path, attention, n_layers):
    settings = addition_settings(attention=attention, n_layers=n_layers)
    shapes = addition.parameter_shapes(architecture(settings), P)
    weights = initialise(shapes, 0.5, torch.Generator().manual_seed(0))
    run = write_run(tmp_path, settings, weights)
    out = [tmp_path / "heads.parquet", tmp_path / "maps.parquet"]
    arguments = ["--output", out[0], "--maps", out[1], "--device", "cpu"]
    run_program("measure_addition_attention", "--run", run, *arguments)
    heads, maps = map(pd.read_parquet, out)
    assert len(heads) == n_layers * settings["n_heads"] * 3
    assert len(maps) == settings["n_heads"] * P * P
    if attention == "softmax":
        totals = heads.groupby(["layer", "head"])["mean"].sum()
        assert totals.tolist() == pytest.approx([1.0] * len(totals))
