"""A published study is copied as it is, or refused; what is not published is made or stays away."""

import json
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pytest
import yaml
from helpers import STUDY
from recorded_study import recorded_job, write_record

from mechanics.runtime.files import sha256
from mechanics.settings import ConfigError
from mechanics.study import crate, restored
from mechanics.study.config import load, merge, of_results, spelled_out, training_settings
from mechanics.study.lineage import ROOT
from mechanics.tables.frames import check_unedited

NAME = "softmax_L1_train_fraction0.5"
RUN = f"runs/modular_addition/{NAME}/0-1/run.json"
SPLIT = "data/modular_addition/split_seed0_fraction0.5.parquet"
TABLE = "tables/grokking.csv"
CHECKPOINTS = f"runs/modular_addition/{NAME}/0-1/checkpoints.safetensors"


@pytest.fixture
def files(tmp_path) -> list[str]:
    """The config of a study with a sweep of two fractions, two seeds in a stack."""
    own = {"study": "small", "results_folder": str(tmp_path / "results"), "device": "cuda"}
    section = {"models": {"softmax_L1": {"seeds": [0, 1]}}, "grid": None}
    section["defaults"] = {"stack": {"cpu": 1, "cuda": 2}}
    section["sweep"] = {"of": "softmax_L1", "train_fraction": [0.3, 0.5]}
    own |= {"linear_regression": None, "modular_addition": section}
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump(own))
    return [STUDY, str(tmp_path / "sweep.yaml")]


@pytest.fixture
def published(tmp_path, files) -> Path:
    """A run, a table of it, and the record of these, of the split and of the checkpoints."""
    config = of_results(spelled_out(load(files)))
    settings = training_settings(config, "modular_addition", NAME)
    folder = tmp_path / "published"
    for path, text in ((RUN, json.dumps({"settings": settings})), (TABLE, "a\n1\n")):
        (folder / path).parent.mkdir(parents=True)
        (folder / path).write_text(text)
    (tmp_path / "split").write_text("the same bytes")
    hashes = {path: sha256(folder / path) for path in (RUN, TABLE)}
    hashes |= {SPLIT: sha256(tmp_path / "split"), CHECKPOINTS: "not published"}
    write_record(folder, hashes, [], config)
    return folder


@pytest.fixture
def asked(monkeypatch, tmp_path) -> list[tuple[str, ...]]:
    """What was asked of Snakemake, which has no more than four files to make."""
    calls: list[tuple[str, ...]] = []

    def snakemake(_, *arguments: str) -> str:
        calls.append(arguments)
        paths = [tmp_path / "results/small" / path for path in (SPLIT, RUN, CHECKPOINTS, TABLE)]
        if arguments[0] == "--summary":
            return "\n".join(["output_file\tdate", *(f"{path}\t-" for path in paths)])
        if arguments[0] == "--touch":
            assert all(path.exists() for path in paths)
        else:
            assert arguments == (str(paths[0]),)
            paths[0].parent.mkdir(parents=True)
            paths[0].write_text((tmp_path / "split").read_text())
        return ""

    monkeypatch.setattr(restored, "snakemake", snakemake)
    return calls


def test_all_is_copied_and_snakemake_told_of_it(published, files, asked, tmp_path, capsys):
    restored.restore(published, files)
    study = tmp_path / "results/small"
    assert [arguments[0] for arguments in asked] == ["--summary", str(study / SPLIT), "--touch"]
    assert (study / RUN).read_bytes() == (published / RUN).read_bytes()
    assert not (study / CHECKPOINTS).exists()
    check_unedited(study / TABLE)
    for name in (crate.NAME, crate.RESTORED):
        assert crate.read(study / name)["sha256"] == crate.read(published / crate.NAME)["sha256"]
    assert "to the bit" not in capsys.readouterr().out


def test_data_made_elsewhere_are_named_and_an_existing_study_is_left_as_it_is(
    published, files, asked, tmp_path, capsys
):
    (tmp_path / "split").write_text("other rounding")
    restored.restore(published, files)
    assert f"{SPLIT}: not as published to the bit" in capsys.readouterr().out
    with pytest.raises(ValueError, match="small is there already"):
        restored.restore(published, files)


def test_altered_files_are_not_restored(published, files, asked, tmp_path):
    (published / TABLE).write_text("a\n2\n")
    with pytest.raises(ValueError, match=r"grokking.csv: not the file that was recorded"):
        restored.restore(published, files)
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"models": {"softmax_L1": {"seeds": [7]}}}, r"softmax_L1.seeds = \[0, 1\] there, \[7\]"),
        ({"defaults": {"gradient_clip": 5.0}}, "gradient_clip = None there, 5.0 here"),
        (
            {"models": {"softmax_L1": {"epsilon": 1.0}}},
            r"epsilon = .absent., but the config says 1.0",
        ),
        ({"models": {"new": {"seeds": [0]}}}, None),  # that the published study lacks
    ],
)
def test_other_settings_are_named_and_nothing_is_restored_but_a_new_model_is_no_hindrance(
    published, files, asked, tmp_path, monkeypatch, change, said
):
    changed = merge(load(files), {"modular_addition": change})
    monkeypatch.setattr(restored, "load", lambda paths: changed)
    with pytest.raises(ValueError, match=said) if said else nullcontext():
        restored.restore(published, files)
    assert (tmp_path / "results").exists() == (said is None)


def test_a_wrong_config_is_refused_before_snakemake_is_asked(published, asked, tmp_path):
    (tmp_path / "wrong.yaml").write_text("modular_addition: {sweep: {of: none, epsilon: [1.0]}}\n")
    for begin in (partial(restored.restore, published), restored.remember):
        with pytest.raises(ConfigError, match="wrong.yaml: modular_addition.sweep.*: expected"):
            begin([str(tmp_path / "wrong.yaml")])
    assert asked == []


def test_where_snakemake_fails_nothing_is_left_and_nobody_is_told_to_remove_a_study(
    published, files, monkeypatch, tmp_path
):
    script = '#!/bin/sh\ncase "$*" in *--summary*) exit 0;; esac\necho why; exit 1\n'
    (tmp_path / "fails").write_text(script)
    (tmp_path / "fails").chmod(0o755)
    monkeypatch.setattr(restored.sys, "executable", str(tmp_path / "fails"))
    with pytest.raises(ValueError, match="^Snakemake failed:\nwhy\n$"):
        restored.restore(published, files)
    assert not (tmp_path / "results/small").exists()


def test_snakemake_is_told_of_what_agrees_with_the_record(published, files, monkeypatch, tmp_path):
    study, config = tmp_path / "results/small", of_results(spelled_out(load(files)))
    study.parent.mkdir()
    published.rename(study)
    (study / "tables/other.csv").write_text("b\n1\n")
    code = {"scripts/train.py": sha256(ROOT / "scripts/train.py")}
    jobs = [recorded_job([], [RUN], code), recorded_job([RUN], [TABLE], code)]
    jobs.append(recorded_job([RUN], ["tables/other.csv"], {"scripts/train.py": "as it was"}))
    hashes = {path: sha256(study / path) for path in (RUN, TABLE, "tables/other.csv")}
    write_record(study, hashes, jobs, config)
    asked = []
    monkeypatch.setattr(restored, "snakemake", lambda _, *arguments: asked.append(arguments))
    restored.remember(files)
    assert asked == [("--touch", "--forceall", f"{study}/{RUN}", f"{study}/{TABLE}")]
    (study / RUN).write_text("edited")  # and so is nothing that was made from it
    restored.remember(files)
    assert len(asked) == 1
