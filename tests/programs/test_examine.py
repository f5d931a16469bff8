"""Examining weights: a folder of tables and a summary, whatever the network is."""

import io
import json
import math
import sys

import measured
import pandas as pd
import pypdf
import pytest
import torch
from clock_network import clock_network, multiplying_network
from gradient_steps import one_step
from helpers import run_program
from safetensors.torch import save_file

from mechanics.examine import examined as examination
from mechanics.examine import summary


def examined(tmp_path, weights, *options) -> dict:
    save_file(weights, tmp_path / "net.safetensors")
    output = tmp_path / "out"
    run_program("examine", "--weights", tmp_path / "net.safetensors", "--output", output, *options)
    assert len(pypdf.PdfReader(output / "summary.pdf").pages) <= 2
    content = json.loads((output / "summary.json").read_text("utf-8"))
    page = (output / "summary.html").read_text("utf-8")
    assert content["verdict"].split(";")[0] in page
    return content


def test_a_circuit_is_told_from_none_and_a_folder_has_the_tables_of_one_network(tmp_path, capsys):
    draw = torch.Generator().manual_seed(0)
    weights, _ = clock_network(23, [2, 7], thresholds=[0.0, 0.15])
    own = {name: tensor[0] for name, tensor in weights.items()}
    noise = {n: torch.randn(t.shape, generator=draw) / 8 for n, t in own.items()}
    of_no_circuit, evaluation = (
        tmp_path / f"out/tables/{name}.parquet" for name in ("sum_in_stream", "evaluation")
    )
    verdict = examined(tmp_path, noise)["verdict"]
    assert verdict.startswith("No circuit: no key frequencies in its logits")
    accuracy = pd.read_parquet(evaluation)["accuracy"].item()
    assert f"accuracy on all 529 pairs: {accuracy:.4f}" in capsys.readouterr().out
    assert accuracy < 0.2 and of_no_circuit.exists()
    assert examined(tmp_path, own)["verdict"].startswith("Fourier circuit: 2 key frequencies")
    assert pd.read_parquet(evaluation)["accuracy"].item() == 1 and not of_no_circuit.exists()


def test_help_is_printed_where_the_locale_lacks_its_letters(monkeypatch):
    printed = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(printed, "ascii"))
    with pytest.raises(SystemExit, match="^0$"):
        run_program("examine", "--help")
    sys.stdout.flush()
    assert b"--weights" in printed.getvalue()


def test_of_a_network_without_logits_that_vary_the_measures_are_undefined(tmp_path):
    weights, _ = clock_network(23, [2])
    content = examined(tmp_path, {name: torch.zeros_like(t[0]) for name, t in weights.items()})
    assert content["verdict"].startswith("No circuit: its logits are the same for every pair")
    assert ["distance irrelevance", "undefined", "near 0: pizza, near 1: clock"] in next(
        own["rows"] for own in content["sections"] if own["heading"] == "Circuit"
    )


def test_the_circuit_of_a_multiplication_is_found_in_the_logarithms(tmp_path, capsys):
    weights, _ = multiplying_network(23, [2, 7])
    own = {name: tensor[0] for name, tensor in weights.items()}
    content = examined(tmp_path, own, "--operation", "multiply")
    assert content["verdict"].startswith("Fourier circuit: 2 key frequencies")
    said = capsys.readouterr().out
    assert "accuracy on all 484 pairs: 1.0000" in said  # none with 0
    assert "operation: (a · b) mod 23 without 0" in said


def test_a_gradient_step_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(examination, "N_PROMPTS", 128)
    options = ("--attention", "linear", "--k-min", "4", "--k-max", "5")
    content = examined(tmp_path, one_step(3, 0.7), *options)
    step = next(s for s in content["sections"] if s["heading"].startswith("The layer as"))
    assert step["rows"][0][:2] == ["step size ĉ", "0.7"]
    assert "One-step Optimizer" in content["verdict"]


def test_a_random_network_of_regression_has_learned_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(examination, "N_PROMPTS", 128)
    draw = torch.Generator().manual_seed(3)
    own = {f"blocks.0.attn.W_{c}": torch.randn(1, 4, 4, generator=draw) for c in "QKVO"}
    options = ("--attention", "softmax", "--k-min", "3", "--k-max", "5")
    verdict = examined(tmp_path, own, *options)["verdict"]
    assert verdict.startswith("At k = 4: Nothing learned: risk")
    assert "predicting zero has 1; filter nearest to" in verdict


@pytest.mark.parametrize(("p", "why"), [(5, "p = 5 has too few frequencies"), (7, "no key freq")])
def test_where_no_frequency_could_be_a_key_the_verdict_says_so(p, why):
    tables = {"evaluation": measured.evaluation(1.0, 1.0, 100)}
    tables |= measured.keys_of(0, keys="", alone=math.nan)
    assert summary.judge_addition(tables, p).startswith(f"No circuit: {why}")
