"""A study agrees with its provenance, is published, and restored without training."""

import json
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from tiny_study import RUNS, TINY, changed, planned, python, snakemake

from mechanics.training.checkpoint import Run, read_tensors

DEAR = {  # the rules whose results are published and restored
    *("prepare_regression", "prepare_addition", "train", "analyse_regression"),
    *("follow_regression", "analyse_addition", "follow_addition"),
}


def test_study_agrees_with_its_provenance(study):
    result = python(study, "verify", "--study", "results/tiny")
    assert result.returncode == 0, result.stdout + result.stderr
    artefacts = json.loads((study / "results/tiny/provenance.json").read_text())["artefacts"]
    made = [path for path in (study / "results/tiny").rglob("*") if path.is_file()]
    made = {path.relative_to(study / "results/tiny").as_posix() for path in made}
    kept = ("logs/", "benchmarks/", "tables/.sha256/")  # of the running, and hashes of tables
    unrecorded = {path for path in made if not path.startswith(kept)}
    assert unrecorded - artefacts.keys() == {"provenance.json"}
    assert artefacts["tables/grokking.csv"]["seeds"] == [0, 1]
    assert artefacts["figures/parsimony.pdf"]["inputs"].keys() == {"tables/parsimony.csv"}


def test_code_that_moved_on_is_named(study):
    path = study / "scripts/mechanics/figures/parsimony.py"
    before = path.read_text()
    path.write_text(before + "\n# edited\n")
    result = python(study, "verify", "--study", "results/tiny")
    path.write_text(before)
    assert result.returncode == 1
    assert "Altered" not in result.stdout
    assert "scripts/plot.py: scripts/mechanics/figures/parsimony.py; it made" in result.stdout


@pytest.fixture(scope="module")
def published(study) -> Path:
    config = ["--config", "config/config.yaml", "tiny.yaml"]
    result = python(study, "publish", "--study", "results/tiny", *config)
    assert result.returncode == 0, result.stderr
    return study / "results/published"


def test_published_weights_are_the_runs(study, published):
    weights, about = read_tensors(
        published / "weights/modular_addition/softmax_L1/seed1.safetensors"
    )
    final = Run(study / RUNS / "modular_addition/softmax_L1/1").final(1)
    assert weights.keys() == final.keys()
    assert all(torch.equal(weights[name], final[name][0]) for name in final)
    assert (about["seed"], about["settings"]["p"]) == (1, 11)
    provenance = json.loads((published / "provenance.json").read_text())
    assert provenance["sha256"]["tables/comparative_metrics.csv"]
    assert not list((published / "figures").glob("*.pdf"))
    assert python(study, "verify", "--study", "results/published").returncode == 0


def test_unfinished_study_is_not_published(study, published):
    before = (published / "provenance.json").read_bytes()
    folder = study / RUNS / "modular_addition/softmax_L1/0"
    folder.rename(folder.with_name("aside"))
    arguments = ["--study", "results/tiny", "--config", "config/config.yaml", "tiny.yaml"]
    result = python(study, "publish", *arguments)
    folder.with_name("aside").rename(folder)
    assert result.returncode != 0
    assert "softmax_L1/0/run.json" in result.stderr
    assert "Traceback" not in result.stderr
    assert (published / "provenance.json").read_bytes() == before


def test_restored_study_is_trained_no_more(published, tmp_path):
    """A fresh clone, with what is published and nothing else."""
    for name in ("config", "workflow", "scripts", "envs", "results/published"):
        shutil.copytree(published.parents[1] / name, tmp_path / name)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    restore = ["--config", "config/config.yaml", "tiny.yaml"]
    result = python(tmp_path, "restore", *restore)
    assert result.returncode == 0, result.stdout + result.stderr
    assert {"write_tables_comparison", "plot"} <= planned(tmp_path)
    assert not planned(tmp_path) & DEAR
    table = "tables/comparative_metrics.csv"
    assert snakemake(tmp_path, f"results/tiny/{table}").returncode == 0
    assert (tmp_path / "results/tiny" / table).read_bytes() == (published / table).read_bytes()
    # It knows with which settings its runs were made, and what it lacks.
    models = TINY["linear_regression"]["models"]
    models = models | {"softmax_L1": {"seeds": [0], "learning_rate": 0.02}}
    assert "train" in planned(tmp_path, changed(linear_regression={"models": models}))
    again = python(tmp_path, "restore", *restore)
    assert again.returncode != 0
    assert "results/tiny is there already" in again.stderr
