"""A small study is recorded; whatever is changed in it afterwards is named."""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from helpers import run_program
from recorded_study import CONFIG, RUN, TABLE, job_of, repository

from mechanics.runtime.files import sha256
from mechanics.study import crate, lineage, provenance
from mechanics.study.config import merge
from mechanics.study.lineage import LOCK, ROOT
from mechanics.study.provenance import differences


@pytest.fixture
def study(recorded, tmp_path) -> Path:
    return shutil.copytree(recorded, tmp_path / "study")


def said(study: Path, capsys) -> str:
    """What verify prints of a study that is not as recorded."""
    with pytest.raises(SystemExit) as ended:
        run_program("verify", "--study", study)
    assert ended.value.code == 1
    return capsys.readouterr().out


def edit(study: Path, change) -> None:
    record = crate.read(study / crate.NAME)
    change(record)
    crate.write(study / crate.NAME, record)


def without_run(study: Path) -> None:
    """Leave out the run, whose code is older than this project."""
    edit(study, lambda record: record["jobs"].pop(0))


def test_run_with_other_settings_than_the_recorded_config_is_named(study, capsys):
    config = merge(CONFIG, {"modular_addition": {"models": {"m": {"weight_decay": 0.3}}}})
    edit(study, lambda record: record.update(config=config))
    line = f"{RUN}: trained with weight_decay = 1.0, but the config says 0.3"
    assert line in said(study, capsys)


def test_differences_are_keys_with_two_values():
    one, other = {"a": 1, "b": {"c": 2, "d": None}}, {"a": 1, "b": {"c": 3}, "e": 4}
    assert list(differences(one, other)) == [("b.c", 2, 3), ("e", "(absent)", 4)]


def test_edited_cell_and_what_was_made_from_it_and_a_swapped_figure_are_named(study, capsys):
    path = study / TABLE
    path.write_text(path.read_text().replace("m,3", "m,4"))
    shutil.copy(study / "figures/rank_collapse.pdf", study / "figures/frequencies.pdf")
    lines = said(study, capsys)
    assert "tables/grokking.csv: not the file that was recorded" in lines
    assert "figures/frequencies.png: made from other content of tables/grokking.csv" in lines
    assert "figures/frequencies.pdf: not the file that was recorded" in lines
    assert "figures/frequencies.pdf: does not carry" in lines
    assert "rank_collapse.pdf: does not carry" not in lines
    assert "scripts/train.py: other code already when it was recorded" in lines


def test_untouched_study_agrees_and_a_missing_file_is_named_unless_not_published(study, capsys):
    without_run(study)
    run_program("verify", "--study", study)
    assert "6 files agree" in capsys.readouterr().out
    (study / TABLE).unlink()
    assert "tables/grokking.csv: missing" in said(study, capsys)
    edit(study, dict)  # writes the record of what is there
    run_program("verify", "--study", study)
    assert "1 of them not published" in capsys.readouterr().out


MODULE = "scripts/mechanics/figures/frequencies.py"
OLDER = "of an older version"


def made_by_older_module(study: Path, commit: str) -> None:
    """The figures of one module get the record of an older version of it, in this commit."""

    def make_older(record: dict) -> None:
        job = job_of(record, "figures/frequencies.png")
        job["git_commit"] = commit
        job["code"][MODULE] = OLDER

    edit(study, make_older)


def commit_holding(monkeypatch, content: str) -> None:
    """Let every commit hold the code as it is now, and the module as said."""

    def sha256_at(commit: str, file: str) -> str:
        return content if file == MODULE else sha256(ROOT / file)

    monkeypatch.setattr(provenance, "sha256_at", sha256_at)


def test_edited_module_and_lock_are_the_code_that_moved_on(study, capsys):
    made_by_older_module(study, "abc-dirty")
    four = dict.fromkeys([LOCK, "scripts/a.py", "scripts/b.py", "scripts/c.py"], OLDER)
    edit(study, lambda record: job_of(record, TABLE)["code"].update(four))
    edit(study, lambda record: job_of(record, TABLE).update(git_commit="abc-dirty"))
    lines = said(study, capsys)
    assert "Not as it was recorded" not in lines
    assert f" files changed: {MODULE}; it made figures/frequencies.pdf and 1 more" in lines
    table = (
        r"write_tables.py: 4 of its \d+ files changed: \S+, \S+ and 2 more; it made tables/grokk"
    )
    assert re.search(table, lines)


def test_moved_on_code_agrees_if_its_commit_holds_it_and_is_named_if_not(
    study, capsys, monkeypatch
):
    without_run(study)
    made_by_older_module(study, "abc")
    commit_holding(monkeypatch, OLDER)
    run_program("verify", "--study", study)
    printed = capsys.readouterr().out
    assert re.search(f"holds what made these:\n  scripts/plot.py: 1 of .*: {MODULE}; it", printed)
    assert "6 files agree" in printed
    commit_holding(monkeypatch, "something else")
    assert f" files not as in commit abc: {MODULE}; it made" in said(study, capsys)


def test_hash_at_a_commit_is_that_of_the_file_then(tmp_path, monkeypatch):
    monkeypatch.setattr(lineage, "ROOT", repository(tmp_path, "first.py"))
    command = ["git", "-C", str(tmp_path), "rev-parse", "HEAD~1"]
    commit = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    assert provenance.sha256_at(commit, "first.py") == hashlib.sha256(b"old").hexdigest()
    assert provenance.sha256_at(commit, "absent.py") is None
    assert provenance.sha256_at("0" * 40, "first.py") is None


def test_folder_without_record_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="not the record of a finished study"):
        run_program("verify", "--study", tmp_path)
