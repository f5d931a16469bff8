"""Weights of others stand in a study's tables and figures, and nothing is trained for them."""

import json
import re

import pandas as pd
import torch
from clock_network import clock_network
from tiny_study import TINY, snakemake, succeeded

from mechanics.tables.frames import read_table

OURS = "results/tiny/weights/linear_regression/linear_L1/seed1.safetensors"
AGAIN = {"weights": "again.safetensors", "attention": "linear", "n_layers": 1, "d_model": "token"}
MADE = [
    *("circuit", "parsimony", "grokking", "comparative_metrics"),
    *("regression_risk", "algorithm_match", "effective_weights"),
]


def with_model(task: str, name: str, entry: dict) -> dict:
    return TINY[task] | {"models": TINY[task]["models"] | {name: entry}}


def test_imported_networks_stand_beside_ours(study):
    weights, _ = clock_network(TINY["modular_addition"]["p"], [2, 5], thresholds=[0.0, 0.15])
    torch.save({"model": {name: own[0] for name, own in weights.items()}}, study / "clock.pth")
    (study / "again.safetensors").write_bytes((study / OURS).read_bytes())
    config = TINY | {
        "linear_regression": with_model("linear_regression", "again", AGAIN),
        "modular_addition": with_model("modular_addition", "clock", {"weights": "./clock.pth"}),
    }
    results = study / "results/tiny"
    asked = [f"tables/{name}.csv" for name in MADE] + ["figures/embedding.png"]
    result = succeeded(snakemake(study, *(f"results/tiny/{name}" for name in asked), config=config))
    rules = set(re.findall(r"^(?:local)?rule (\w+):", result.stderr, re.MULTILINE))
    assert "import_weights_modular_addition_clock" in rules
    assert not [rule for rule in rules if rule.startswith(("train", "prepare", "follow"))]

    tables = {name: read_table(results / f"tables/{name}.csv") for name in MADE}
    has = {name: {"clock", "again"} & set(table["model"]) for name, table in tables.items()}
    assert has["circuit"] == has["parsimony"] == {"clock"}
    assert has["regression_risk"] == has["algorithm_match"] == {"again"}
    assert has["comparative_metrics"] == {"clock", "again"}
    assert not has["grokking"] | has["effective_weights"]  # they follow a training
    compared = tables["comparative_metrics"].set_index("model").loc["clock"]
    assert set(compared["configuration"]) == {"Softmax Attention (L=1), imported"}
    assert compared["value"].tolist() == [1.0, 1.0]  # share of seeds that are all right, accuracy
    risks = tables["regression_risk"].set_index(["model", "seed", "k"])["risk"]
    same = {"check_names": False, "check_exact": True}
    pd.testing.assert_series_equal(risks["again", 0], risks["linear_L1", 1], **same)
    record = json.loads((results / "runs/modular_addition/clock/0/run.json").read_text())
    assert record["asked"]["weights"] == record["source"]["file"] == "./clock.pth"
