"""Which files of a published study are what the workflow would make now."""

import json
from pathlib import Path

import pytest
from helpers import write_sweep_config

import restore
from mechanics.runtime.files import sha256
from mechanics.study.config import load, merge, split_settings, training_settings
from mechanics.study.lineage import ROOT, settings_sha256
from mechanics.study.sweep import spelled_out

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


def against(older_code: bool = False, **changes) -> dict[str, str]:
    config = merge(CONFIG, {"modular_addition": changes})
    found: dict[str, str] = {}
    for path in (SPLIT, RUN, ANALYSIS):
        found[path] = restore.changed(path, PROVENANCE, config, found, older_code)
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
    assert not any(against(older_code=True).values())


def test_runs_and_splits_of_a_sweep_are_restored(monkeypatch, tmp_path):
    monkeypatch.setattr(restore, "snakemake", lambda *_: None)
    files = write_sweep_config(tmp_path, "cuda")
    config, name = spelled_out(load(files)), "softmax_L1_train_fraction0.5"
    run = f"runs/modular_addition/{name}/0-1/run.json"
    split = "data/modular_addition/split_seed0_fraction0.5.parquet"
    settings = {
        run: training_settings(config, "modular_addition", name),
        split: split_settings(config, "_fraction0.5"),
    }
    published, artefacts = tmp_path / "published", {}
    for path, slice_ in settings.items():
        (published / path).parent.mkdir(parents=True)
        (published / path).write_text(json.dumps({"settings": slice_}))
        artefacts[path] = {"sha256": sha256(published / path), "inputs": {}, "code_sha256": "old"}
        artefacts[path] |= {"config_sha256": settings_sha256(slice_)}
    elsewhere = {"machine": {"cores": 3}, "largest_job_memory_mb": 7.0, "code": {"old": {"a": "b"}}}
    about = {"config": {}, "config_sha256": settings_sha256({}), "left_out": [], **elsewhere}
    (published / "provenance.json").write_text(json.dumps(about | {"artefacts": artefacts}))
    restore.restore(published, files)
    assert all((tmp_path / "results/small" / path).exists() for path in settings)
    kept = json.loads((tmp_path / "results/small/restored.json").read_text())
    assert kept == elsewhere | {"artefacts": artefacts, "left_out": []}


@pytest.mark.parametrize("made", ["the same bytes", "other rounding"])
def test_data_made_on_another_machine_is_left_out(monkeypatch, tmp_path, made):
    published, study = tmp_path / "published", tmp_path / "results/small"
    files = write_sweep_config(tmp_path, "cpu")
    (tmp_path / "same").write_text("the same bytes")
    artefacts = {SPLIT: {"sha256": sha256(tmp_path / "same"), "inputs": {}, "code_sha256": ""}}
    artefacts[SPLIT]["config_sha256"] = settings_sha256(split_settings(spelled_out(load(files))))
    about = {"config": {}, "config_sha256": settings_sha256({}), "left_out": [SPLIT], "code": {}}
    about |= {"machine": {}, "largest_job_memory_mb": 1.0, "artefacts": artefacts}
    published.mkdir()
    (published / "provenance.json").write_text(json.dumps(about))

    def snakemake(_, target, *options):
        if not options:
            Path(target).parent.mkdir(parents=True)
            Path(target).write_text(made)

    monkeypatch.setattr(restore, "snakemake", snakemake)
    restore.restore(published, files)
    assert (study / SPLIT).exists() == (made == "the same bytes")
    kept = json.loads((study / "restored.json").read_text())
    assert kept["artefacts"] == artefacts
    assert kept["left_out"] == ([] if made == "the same bytes" else [SPLIT])
