"""A small study is recorded; whatever is changed in it afterwards is named."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from helpers import run_program

from mechanics.figures import style
from mechanics.runtime.files import sha256
from mechanics.study import crate, lineage, provenance
from mechanics.study.config import merge, training_settings
from mechanics.study.lineage import ROOT, closure, short_id
from mechanics.study.provenance import differences
from record_provenance import LOCK

FIGURES = {"parsimony": "parsimony", "kernel_smoother": "kernel_smoother"}  # name: module
SECTION = {"p": 11, "train_fraction": 0.3, "defaults": {"weight_decay": 1.0}, "models": {"m": {}}}
CONFIG = {"study": "small", "modular_addition": SECTION}
RUN = "runs/modular_addition/m/3/run.json"
ABOUT_RUN = {
    "settings": training_settings(CONFIG, "modular_addition", "m"),
    "seeds": [3],
    "device": "cpu",
    "torch": "2.0",
    "python": "3.11.0",
    "git_commit": "0" * 40 + "-dirty",
}


def code(*names: str) -> list[str]:
    paths = closure(*(ROOT / "scripts" / f"{name}.py" for name in names))
    return [str(path.relative_to(ROOT)) for path in paths]


def job(rule: str, files: list[str], inputs: list[str], outputs: list[str], device=None) -> dict:
    return {"rule": rule, "code": files, "inputs": inputs, "outputs": outputs} | {
        **{"settings": None, "seeds": [], "device": device}
    }


def write_study(folder: Path) -> list[dict]:
    """One run, a table of it and two figures of the table; the jobs that would have made them."""
    run, table = folder / "runs/modular_addition/m/3", folder / "tables/grokking.csv"
    run.mkdir(parents=True)
    table.parent.mkdir()
    (run / "run.json").write_text(json.dumps(ABOUT_RUN | {"code_sha256": "made by older code"}))
    table.write_text("model,seed\nm,3\n")
    style.use_style()
    for name, module in FIGURES.items():
        figure, axis = plt.subplots()
        axis.set_title(name)
        program, source = ROOT / "scripts/plot.py", f"scripts/mechanics/figures/{module}.py"
        style.save(figure, folder / "figures", name, short_id([table], program, ROOT / source))
        plt.close(figure)
    read, made = [RUN], ["tables/grokking.csv"]
    return [
        job("train", code("train"), [], read),
        job("write_tables", code("write_tables"), read, made),
    ] + [
        job(
            "plot",
            code("plot", f"mechanics/figures/{module}"),
            made,
            [f"figures/{name}.pdf", f"figures/{name}.png"],
        )
        for name, module in FIGURES.items()
    ]


def record(folder: Path, jobs: list[dict]) -> dict:
    (folder / "jobs.json").write_text(json.dumps(jobs))
    arguments = ["--jobs", folder / "jobs.json", "--config", json.dumps(CONFIG)]
    run_program("record_provenance", *arguments, "--output", folder / crate.NAME)
    return crate.read(folder / crate.NAME)


def job_of(record: dict, path: str) -> dict:
    return next(job for job in record["jobs"] if path in job["outputs"])


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("recorded")
    record(folder, write_study(folder))
    return folder


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


def test_record_is_read_as_it_was_written(recorded, tmp_path):
    record = crate.read(recorded / crate.NAME)
    assert record["config"] == CONFIG
    crate.write(tmp_path / crate.NAME, record)
    again = crate.read(tmp_path / crate.NAME)
    assert again == record | {"absent": [*record["sha256"]]}  # the files are not there


def test_record_is_a_process_run_crate(recorded):
    """What RO-Crate 1.1 and the profile ask for; the ids of entities are all there."""
    graph = json.loads((recorded / crate.NAME).read_text())["@graph"]
    entities = {entity["@id"]: entity for entity in graph}
    assert len(entities) == len(graph)
    assert entities[crate.NAME]["about"] == {"@id": "./"}
    root = entities["./"]
    assert {"name", "description", "datePublished", "license", "conformsTo"} <= root.keys()
    parts = {part["@id"] for part in root["hasPart"]}
    assert parts == {name for name, own in entities.items() if own["@type"] == "File"}
    assert all((recorded / part).is_file() for part in parts)
    named = re.findall(r'{"@id": "([^"]*)"}', (recorded / crate.NAME).read_text())
    assert {*named} - entities.keys() == {crate.CRATE}
    for action in root["mentions"]:
        own = entities[action["@id"]]
        assert own["@type"] == "CreateAction"
        assert entities[own["instrument"]["@id"]]["@type"] == "SoftwareApplication"


def test_record_tells_inputs_seeds_and_what_the_run_says(recorded):
    record = crate.read(recorded / crate.NAME)
    run, table = job_of(record, RUN), job_of(record, "tables/grokking.csv")
    assert table["inputs"] == [RUN]
    assert table["seeds"] == run["seeds"] == [3]
    assert (run["git_commit"], run["software"][1]) == ("0" * 40 + "-dirty", "PyTorch 2.0")
    assert table["program"] == "scripts/write_tables.py"


@pytest.mark.parametrize(("device", "recorded"), [("auto", "A GPU, B GPU"), ("cpu", "cpu")])
def test_device_is_that_of_the_runs_wherever_it_is_recorded(tmp_path, device, recorded):
    runs = [f"runs/modular_addition/m/{seed}/run.json" for seed in (0, 1)]
    for path, name in zip(runs, ("B GPU", "A GPU"), strict=True):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(json.dumps(ABOUT_RUN | {"code_sha256": "", "device": name}))
    for name in ("analysis", "table"):
        (tmp_path / name).write_text("")
    jobs = [job("train", code("train"), [], [path], device) for path in runs]
    jobs += [job("measure", code("analyse_addition"), runs, ["analysis"], device)]
    jobs += [job("write_tables", code("write_tables"), ["analysis"], ["table"])]
    found = record(tmp_path, jobs)
    assert [job_of(found, path)["device"] for path in runs] == ["B GPU", "A GPU"]
    assert job_of(found, "analysis")["device"] == recorded
    assert job_of(found, "table")["device"] == "cpu"


def test_recorded_twice_is_the_same_record(recorded, tmp_path):
    record(tmp_path, write_study(tmp_path))
    assert (tmp_path / crate.NAME).read_bytes() == (recorded / crate.NAME).read_bytes()


def test_restored_files_keep_their_jobs_while_their_inputs_are_the_same(tmp_path):
    jobs, table, held = write_study(tmp_path), "tables/grokking.csv", "runs/checkpoints"
    jobs[0]["outputs"].append(held)
    (tmp_path / held).write_text("")
    published = record(tmp_path, jobs)
    for old in published["jobs"]:
        old.update(code={"a.py": "1"}, code_sha256="old", git_commit="abc")
    (tmp_path / held).unlink()
    crate.write(tmp_path / crate.RESTORED, published | {"machine": "elsewhere"})
    found = record(tmp_path, jobs)
    assert found == published | {"machine": "elsewhere", "absent": [held]}
    (tmp_path / RUN).write_text((tmp_path / RUN).read_text() + " ")  # trained again
    found = record(tmp_path, jobs)
    assert "scripts/write_tables.py" in job_of(found, table)["code"]
    assert job_of(found, "figures/parsimony.png")["git_commit"] == "abc"  # of the same table


def test_untouched_study_agrees(study, capsys):
    without_run(study)
    run_program("verify", "--study", study)
    assert "6 files agree" in capsys.readouterr().out


def test_run_with_other_settings_than_the_recorded_config_is_named(study, capsys):
    config = merge(CONFIG, {"modular_addition": {"models": {"m": {"weight_decay": 0.3}}}})
    edit(study, lambda record: record.update(config=config))
    line = f"{RUN}: trained with weight_decay = 1.0, but the recorded config says 0.3"
    assert line in said(study, capsys)


def test_differences_are_keys_with_two_values():
    one, other = {"a": 1, "b": {"c": 2, "d": None}}, {"a": 1, "b": {"c": 3}, "e": 4}
    assert list(differences(one, other)) == [("b.c", 2, 3), ("e", "(absent)", 4)]


def test_edited_cell_and_what_was_made_from_it_are_named(study, capsys):
    path = study / "tables/grokking.csv"
    path.write_text(path.read_text().replace("m,3", "m,4"))
    lines = said(study, capsys)
    assert "tables/grokking.csv: not the file that was recorded" in lines
    assert "figures/parsimony.png: made from other content of tables/grokking.csv" in lines


def test_swapped_figure_is_named_by_its_id(study, capsys):
    shutil.copy(study / "figures/kernel_smoother.pdf", study / "figures/parsimony.pdf")
    lines = said(study, capsys)
    assert "figures/parsimony.pdf: not the file that was recorded" in lines
    assert "figures/parsimony.pdf: does not carry" in lines
    assert "kernel_smoother.pdf" not in lines


def test_missing_file_is_named_unless_it_was_not_published(study, capsys):
    (study / "tables/grokking.csv").unlink()
    assert "tables/grokking.csv: missing" in said(study, capsys)
    without_run(study)  # writes the record of what is there
    run_program("verify", "--study", study)
    assert "1 of them not published" in capsys.readouterr().out


MODULE = "scripts/mechanics/figures/parsimony.py"
OLDER = "of an older version"


def made_by_older_module(study: Path, commit: str) -> None:
    """The figures of one module get the record of an older version of it, in this commit."""

    def make_older(record: dict) -> None:
        job = job_of(record, "figures/parsimony.png")
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
    edit(study, lambda record: job_of(record, "tables/grokking.csv")["code"].update({LOCK: OLDER}))
    lines = said(study, capsys)
    assert "Not as it was recorded" not in lines
    assert f"scripts/plot.py: {MODULE}; it made figures/pars" in lines
    # in a tree without changes the commit is asked, and said, too
    assert f"scripts/write_tables.py: {LOCK}" in lines
    assert "it made tables/grokking.csv" in lines


def test_moved_on_code_that_its_commit_holds_is_named_and_agrees(study, capsys, monkeypatch):
    without_run(study)
    made_by_older_module(study, "abc")
    commit_holding(monkeypatch, OLDER)
    run_program("verify", "--study", study)
    printed = capsys.readouterr().out
    assert f"holds what made these:\n  scripts/plot.py: {MODULE}; it made" in printed
    assert "6 files agree" in printed


def test_record_that_claims_a_commit_not_its_own_is_named(study, capsys, monkeypatch):
    without_run(study)
    made_by_older_module(study, "abc")
    commit_holding(monkeypatch, "something else")
    assert f"scripts/plot.py: {MODULE}: not as in commit abc" in said(study, capsys)


def test_hash_at_a_commit_is_that_of_the_file_then(tmp_path, monkeypatch):
    def git(*words: str) -> str:
        author = ["-c", "user.name=a", "-c", "user.email=a@b"]
        command = ["git", "-C", str(tmp_path), *author, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    path = tmp_path / "first.py"
    path.write_text("x = 1\n")
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message=old")
    commit, expected = git("rev-parse", "HEAD"), sha256(path)
    path.write_text("x = 2\n")
    monkeypatch.setattr(lineage, "ROOT", tmp_path)
    assert provenance.sha256_at(commit, "first.py") == expected
    assert provenance.sha256_at(commit, "absent.py") is None
    assert provenance.sha256_at("0" * 40, "first.py") is None


def test_run_of_older_code_is_named(study, capsys):
    assert "scripts/train.py: other code already when it was recorded" in said(study, capsys)


def test_folder_without_record_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="not the record of a finished study"):
        run_program("verify", "--study", tmp_path)
