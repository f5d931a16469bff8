"""A small study is recorded; whatever is changed in it afterwards is named."""

import json
import shutil
import subprocess
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from helpers import run_program

from mechanics.figures import style
from mechanics.runtime.files import sha256
from mechanics.study import verification
from mechanics.study.lineage import ROOT, closure, short_id

FIGURES = {"parsimony": "parsimony", "kernel_smoother": "kernel_smoother"}  # name: module
RUN = {
    "settings": {"task": "modular_addition", "p": 11},
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
    (run / "run.json").write_text(json.dumps(RUN | {"code_sha256": "made by older code"}))
    table.write_text("model,seed\nm,3\n")
    style.use_style()
    for name, module in FIGURES.items():
        figure, axis = plt.subplots()
        axis.set_title(name)
        program, source = ROOT / "scripts/plot.py", f"scripts/mechanics/figures/{module}.py"
        style.save(figure, folder / "figures", name, short_id([table], program, ROOT / source))
        plt.close(figure)
    read, made = ["runs/modular_addition/m/3/run.json"], ["tables/grokking.csv"]
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
    lock, output = folder / "lock.txt", folder / "provenance.json"
    lock.write_text("torch==2.0\n")
    arguments = ["--study", folder, "--jobs", folder / "jobs.json", "--lock", lock]
    arguments += ["--config", '{"study": "small"}', "--output", output]
    run_program("record_provenance", *arguments)
    return json.loads(output.read_text())


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
        run_program("verify", "--study", study, "--lock", study / "lock.txt")
    assert ended.value.code == 1
    return capsys.readouterr().out


def edit(study: Path, change) -> None:
    path = study / "provenance.json"
    provenance = json.loads(path.read_text())
    change(provenance)
    path.write_text(json.dumps(provenance))


def without_run(study: Path) -> None:
    """Leave out the run, whose code is older than this project."""
    edit(study, lambda p: p["artefacts"].pop("runs/modular_addition/m/3/run.json"))


def test_record_tells_inputs_seeds_and_what_the_run_says(recorded):
    artefacts = json.loads((recorded / "provenance.json").read_text())["artefacts"]
    run, table = artefacts["runs/modular_addition/m/3/run.json"], artefacts["tables/grokking.csv"]
    assert table["inputs"] == {"runs/modular_addition/m/3/run.json": run["sha256"]}
    assert table["seeds"] == run["seeds"] == [3]
    assert (run["git_commit"], run["dirty"], run["torch"]) == ("0" * 40, True, "2.0")
    assert table["program"] == "scripts/write_tables.py"


@pytest.mark.parametrize(("device", "recorded"), [("auto", "A GPU, B GPU"), ("cpu", "cpu")])
def test_device_is_that_of_the_runs_wherever_it_is_recorded(tmp_path, device, recorded):
    runs = [f"runs/modular_addition/m/{seed}/run.json" for seed in (0, 1)]
    for path, name in zip(runs, ("B GPU", "A GPU"), strict=True):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(json.dumps(RUN | {"code_sha256": "", "device": name}))
    for name in ("analysis", "table"):
        (tmp_path / name).write_text("")
    jobs = [job("train", code("train"), [], [path], device) for path in runs]
    jobs += [job("measure", code("analyse_addition"), runs, ["analysis"], device)]
    jobs += [job("write_tables", code("write_tables"), ["analysis"], ["table"])]
    artefacts = record(tmp_path, jobs)["artefacts"]
    assert [artefacts[path]["device"] for path in runs] == ["B GPU", "A GPU"]
    assert artefacts["analysis"]["device"] == recorded
    assert artefacts["table"]["device"] == "cpu"


def test_recorded_twice_is_the_same_record(recorded, tmp_path):
    again = record(tmp_path, write_study(tmp_path))
    assert again == json.loads((recorded / "provenance.json").read_text())


def test_restored_run_keeps_its_entry_while_its_inputs_are_the_same(tmp_path):
    read, held = "runs/modular_addition/m/3/run.json", "runs/modular_addition/m/3/checkpoints"
    jobs = write_study(tmp_path)
    jobs[0]["outputs"].append(held)
    entry = {"inputs": {}, "code_sha256": "old", "git_commit": "abc", "seeds": [3]}
    artefacts = {read: entry | {"sha256": sha256(tmp_path / read)}, held: entry | {"sha256": "1"}}
    table = "tables/grokking.csv"  # restored, too, but of another run
    artefacts[table] = entry | {"sha256": sha256(tmp_path / table), "inputs": {read: "other"}}
    restored = {"artefacts": artefacts, "code": {"old": {"a.py": "1"}}, "left_out": [held]}
    (tmp_path / "restored.json").write_text(json.dumps(restored))
    record(tmp_path, jobs)
    provenance = json.loads((tmp_path / "provenance.json").read_text())
    assert [provenance["artefacts"][path] for path in (read, held)] == [
        artefacts[path] for path in (read, held)
    ]
    assert provenance["artefacts"][table]["program"] == "scripts/write_tables.py"
    assert provenance["code"]["old"] == {"a.py": "1"}
    assert provenance["left_out"] == [held]


def test_untouched_study_agrees(study, capsys):
    without_run(study)
    run_program("verify", "--study", study, "--lock", study / "lock.txt")
    assert "5 files agree" in capsys.readouterr().out


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
    assert "figures/parsimony.pdf: carries the id" in lines
    assert "kernel_smoother.pdf" not in lines


def test_missing_file_is_named_unless_it_was_left_out(study, capsys):
    (study / "figures/parsimony.pdf").unlink()
    assert "figures/parsimony.pdf: missing" in said(study, capsys)
    without_run(study)
    edit(study, lambda p: p.update(left_out=["figures/parsimony.pdf"]))
    run_program("verify", "--study", study, "--lock", study / "lock.txt")
    assert "1 of them not published" in capsys.readouterr().out


MODULE = "scripts/mechanics/figures/parsimony.py"
OLDER = "of an older version"


def made_by_older_module(study: Path, dirty: bool) -> None:
    """The figures of one module get the record of an older version of it, in commit "abc"."""

    def make_older(provenance: dict) -> None:
        for name in ("figures/parsimony.png", "figures/parsimony.pdf"):
            entry = provenance["artefacts"][name]
            entry.update(git_commit="abc", dirty=dirty)
            provenance["code"][entry["code_sha256"]][MODULE] = OLDER

    edit(study, make_older)


def commit_holding(monkeypatch, content: str) -> None:
    """Let every commit hold the code as it is now, and the module as said."""

    def hashes_at(commit: str, files) -> dict[str, str]:
        return {file: content if file == MODULE else sha256(ROOT / file) for file in files}

    monkeypatch.setattr(verification, "hashes_at", hashes_at)


def test_edited_module_and_lock_are_the_code_that_moved_on(study, capsys):
    made_by_older_module(study, dirty=True)
    (study / "lock.txt").write_text("torch==2.1\n")
    lines = said(study, capsys)
    assert "Altered" not in lines
    assert f"scripts/plot.py: {MODULE}; it made figures/pars" in lines
    assert "lock.txt: other packages are pinned now" in lines


def test_moved_on_code_that_its_commit_holds_is_named_and_agrees(study, capsys, monkeypatch):
    without_run(study)
    made_by_older_module(study, dirty=False)
    commit_holding(monkeypatch, OLDER)
    run_program("verify", "--study", study, "--lock", study / "lock.txt")
    printed = capsys.readouterr().out
    assert f"holds what made these:\n  scripts/plot.py: {MODULE}; it made" in printed
    assert "5 files agree" in printed


def test_record_that_claims_a_commit_not_its_own_is_named(study, capsys, monkeypatch):
    without_run(study)
    made_by_older_module(study, dirty=False)
    commit_holding(monkeypatch, "something else")
    assert f"scripts/plot.py: {MODULE}: not as in commit abc" in said(study, capsys)


def test_hashes_at_a_commit_are_those_of_the_files_then(tmp_path, monkeypatch):
    def git(*words: str) -> str:
        author = ["-c", "user.name=a", "-c", "user.email=a@b"]
        command = ["git", "-C", str(tmp_path), *author, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    first, second = tmp_path / "first.py", tmp_path / "second.py"
    first.write_text("x = 1\n")
    second.write_bytes(b"")
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message=old")
    commit, expected = git("rev-parse", "HEAD"), {p.name: sha256(p) for p in (first, second)}
    first.write_text("x = 2\n")
    monkeypatch.setattr(verification, "ROOT", tmp_path)
    assert verification.hashes_at(commit, ["first.py", "absent.py", "second.py"]) == expected
    assert verification.hashes_at("0" * 40, ["first.py"]) == {}


def test_run_of_older_code_is_named(study, capsys):
    assert "scripts/train.py: other code already when it was recorded" in said(study, capsys)


def test_folder_without_provenance_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="not the provenance of a finished study"):
        run_program("verify", "--study", tmp_path)
