"""Weights of others stand in a study's tables and figures, and nothing is trained for them."""

import json

import pandas as pd
import torch
from clock_network import clock_network
from tiny_study import TINY, planned, python, snakemake

from mechanics.tables.frames import read_table

P = TINY["modular_addition"]["p"]
OURS = "results/tiny/weights/linear_regression/linear_L1/seed1.safetensors"
SIZES = {"attention": "linear", "n_layers": 1, "d_model": "token"}


def with_models(task: str, **models) -> dict:
    return TINY[task] | {"models": TINY[task]["models"] | models}


CONFIG = TINY | {
    "linear_regression": with_models(
        "linear_regression", again={"weights": "again.safetensors"} | SIZES
    ),
    "modular_addition": with_models("modular_addition", clock={"weights": "./clock.pth"}),
}


def test_imported_networks_stand_beside_ours(study):
    weights, _ = clock_network(P, [2, 5], thresholds=[0.0, 0.15])
    torch.save({"model": {name: own[0] for name, own in weights.items()}}, study / "clock.pth")
    (study / "again.safetensors").write_bytes((study / OURS).read_bytes())
    rules = planned(study, CONFIG)
    imports = {"import_weights_linear_regression_again", "import_weights_modular_addition_clock"}
    assert imports <= rules
    assert not {rule for rule in rules if rule.startswith(("train", "prepare", "follow"))}
    result = snakemake(study, config=CONFIG)
    assert result.returncode == 0, result.stdout + result.stderr
    results = study / "results/tiny"
    tables = {path.stem: read_table(path) for path in (results / "tables").glob("*.csv")}

    for name in ("circuit", "parsimony", "sum_in_stream", "patching_groups", "attention_addition"):
        assert "clock" in set(tables[name]["entry"]), name
    for name in ("regression_risk", "algorithm_match", "spectral_filter", "query_key"):
        assert "again" in set(tables[name]["model"]), name
    for name in ("grokking", "emergence", "effective_weights"):
        assert not {"clock", "again"} & set(tables[name]["model"]), name

    compared = tables["comparative_metrics"].set_index("model").loc["clock"]
    assert set(compared["configuration"]) == {"Softmax Attention (L=1), imported"}
    assert compared["value"].tolist() == [1.0, 1.0]  # seeds that are all right, accuracy
    risks = tables["regression_risk"].set_index(["model", "seed", "k"])["risk"]
    pd.testing.assert_series_equal(
        risks["again", 0], risks["linear_L1", 1], check_names=False, check_exact=True
    )
    record = json.loads((results / "runs/modular_addition/clock/0/run.json").read_text())
    assert record["settings"]["weights"] == "./clock.pth"
    verified = python(study, "verify", "--study", "results/tiny")
    assert "Not as it was recorded" not in verified.stdout, verified.stdout
    assert planned(study, CONFIG) == set()
