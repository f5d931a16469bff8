"""A study agrees with its provenance, is published, and restored without training."""

import re
import shutil
from pathlib import Path

import pytest
import yaml
from tiny_study import TINY, changed, copy_project, planned, python, snakemake, succeeded

from mechanics.study import crate


def test_study_agrees_with_its_provenance(study):
    succeeded(python(study, "verify", "--study", "results/tiny"))
    record = crate.read(study / "results/tiny" / crate.NAME)
    made = [path for path in (study / "results/tiny").rglob("*") if path.is_file()]
    made = {path.relative_to(study / "results/tiny").as_posix() for path in made}
    kept = ("logs/", "benchmarks/", "tables/.sha256/")  # of the running, and hashes of tables
    unrecorded = {path for path in made if not path.startswith(kept)}
    assert unrecorded - record["sha256"].keys() == {crate.NAME, crate.MANIFEST}
    job_of = {path: job for job in record["jobs"] for path in job["outputs"]}
    assert job_of["tables/grokking.csv"]["seeds"] == [0, 1]
    assert "tables/parsimony.csv" in job_of["figures/frequencies.pdf"]["inputs"]


@pytest.fixture(scope="module")
def published(study) -> Path:
    succeeded(python(study, "publish", "--study", "results/tiny"))
    assert python(study, "verify", "--study", "results/published").returncode == 0
    return study / "results/published"


def test_no_link_of_the_published_page_is_dead(published):
    pages = list((published / "page").glob("*.html"))
    assert {page.name for page in pages} == {"index.html", "evidence.html"}
    for page in pages:
        for link in re.findall(r'(?:href|src)="([^"#:]+)"', page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


@pytest.fixture(scope="module")
def restored(published, tmp_path_factory) -> Path:
    """A fresh clone, with what is published and nothing else."""
    folder = copy_project(tmp_path_factory.mktemp("restored"))
    shutil.copytree(published, folder / "results/published")
    (folder / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    succeeded(python(folder, "publish", "--restore", "--config", "tiny.yaml"))
    return folder


def test_of_a_restored_study_nothing_is_planned_but_what_is_not_published(restored):
    assert planned(restored) == {"execute_notebook"}  # for study.html


def test_a_restored_study_knows_with_which_settings_its_runs_were_made(restored):
    models = TINY["linear_regression"]["models"]
    models = models | {"softmax_L1": {"seeds": [0], "learning_rate": 0.02}}
    assert "train" in planned(restored, changed(linear_regression={"models": models}))


def test_a_restored_study_is_made_anew_without_training(restored, published):
    """After a change of what measures final weights, and of every program that shows results."""
    shown = ("write_tables", "plot", "write_numbers", "build_report", "build_page")
    for name in ("mechanics/addition/circuit", *shown):
        with (restored / f"scripts/{name}.py").open("a") as file:
            file.write("# edited\n")
    plan = planned(restored)
    assert {"analyse_addition", "write_tables_addition", "plot_addition", "build_page"} <= plan
    assert not plan & {"prepare_regression", "prepare_addition", "train", "follow_addition"}
    tables = list((published / "tables").glob("*.csv"))
    assert tables
    succeeded(snakemake(restored, *(f"results/tiny/tables/{path.name}" for path in tables)))
    for path in tables:
        assert (restored / "results/tiny/tables" / path.name).read_bytes() == path.read_bytes()
    result = python(restored, "verify", "--study", "results/tiny")
    assert not re.search(r"\.(json|html|csv): ", result.stdout), result.stdout
