"""Which files of a published study are what the workflow would make now."""

import pytest

import restore
from mechanics.config import load, merge, split_settings, training_settings
from mechanics.lineage import ROOT, settings_sha256

CONFIG = load([str(ROOT / "config/config.yaml")])
RUN = "runs/modular_addition/softmax_L1/0/run.json"
SPLIT = "data/modular_addition/split_seed0.parquet"
ANALYSIS = "analysis/modular_addition/softmax_L1/0/circuit.parquet"
SLICES = {
    RUN: training_settings(CONFIG, "modular_addition", "softmax_L1"),
    SPLIT: split_settings(CONFIG),
    ANALYSIS: CONFIG,
}
PROVENANCE = {
    "artefacts": {
        path: {"config_sha256": settings_sha256(slice_), "inputs": {}}
        for path, slice_ in SLICES.items()
    }
}
PROVENANCE["artefacts"][ANALYSIS]["inputs"] = {RUN: "", SPLIT: ""}


@pytest.fixture(autouse=True)
def code_as_it_was(monkeypatch):
    monkeypatch.setattr(restore, "edited_since", lambda provenance, path: [])


def against(**changes) -> dict[str, str]:
    config = merge(CONFIG, {"modular_addition": changes})
    found: dict[str, str] = {}
    for path in (SPLIT, RUN, ANALYSIS):
        found[path] = restore.changed(path, PROVENANCE, config, found)
    return found


def test_same_config_restores_all():
    assert not any(against().values())


def test_other_settings_of_a_run_leave_it_and_its_analyses_out():
    found = against(models={"softmax_L1": {"learning_rate": 0.5}})
    assert found[SPLIT] == ""
    assert found[RUN] == "made with other settings than those of the config"
    assert found[ANALYSIS] == f"{RUN}: {found[RUN]}"


def test_other_modulus_leaves_out_the_split_too():
    assert against(p=59)[SPLIT] == "made with other settings than those of the config"


@pytest.mark.parametrize("models", [{"softmax_L1": None}, {"softmax_L1": {"seeds": [7]}}])
def test_run_that_the_config_lacks(models):
    assert against(models=models)[RUN] == "not in the config"


def test_run_of_other_code_is_left_out(monkeypatch):
    edited = {RUN: ["scripts/train.py"]}
    monkeypatch.setattr(restore, "edited_since", lambda _, path: edited.get(path, []))
    assert against()[ANALYSIS] == f"{RUN}: made by other code: scripts/train.py"
