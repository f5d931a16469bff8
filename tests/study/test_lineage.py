"""The code that made a file, and the id in the metadata of what is drawn."""

import subprocess

import pytest
from recorded_study import repository

from mechanics.study import lineage
from mechanics.study.lineage import (
    SCRIPTS,
    closure,
    code_sha256,
    git_commit,
    short_id,
    why_no_history,
)

PLOT = SCRIPTS / "plot.py"
FIGURE = SCRIPTS / "mechanics/figures/frequencies.py"


def names(program: str) -> set[str]:
    return {str(path.relative_to(SCRIPTS)) for path in closure(SCRIPTS / program)}


def test_closure_follows_imports_of_imports_and_leaves_out_what_is_not_imported():
    found = names("train.py")
    assert {"train.py", "mechanics/training/loop.py", "mechanics/training/optimiser.py"} <= found
    assert not any("figures" in name or "algorithms" in name for name in found)
    assert not {"mechanics/study/config.py", "mechanics/study/provenance.py"} & found
    # A new key reruns nothing; publish.py makes nothing of a study.
    programs = {path.name for path in SCRIPTS.glob("*.py")} - {"publish.py"}
    assert not [name for name in programs if "mechanics/study/keys.py" in names(name)]


@pytest.mark.parametrize(
    ("module", "rooms"),
    [
        ("models/prompts", {"regression"}),
        ("addition/pairs", {"addition"}),
        ("regression/laws/risk", set()),
        ("training/checkpoint", {"regression", "addition"}),
    ],
)
def test_a_training_is_made_by_its_own_track_and_what_both_share(module, rooms):
    for room in ("regression", "addition"):
        task = SCRIPTS / f"mechanics/{room}/task.py"
        made_by = closure(SCRIPTS / "train.py", task)
        assert task in made_by
        assert (SCRIPTS / f"mechanics/{module}.py" in made_by) == (room in rooms)


def test_a_run_is_followed_by_code_of_its_own_track():
    for room, other in (("regression", "addition"), ("addition", "regression")):
        followed_by = closure(SCRIPTS / "follow.py", SCRIPTS / f"mechanics/{room}/following.py")
        assert {path.parent.name for path in followed_by} >= {room, "training"}
        assert not [path for path in followed_by if other in path.parts]


def test_every_form_of_import_is_seen_and_modules_imported_by_name_are_given(tmp_path):
    program, template = tmp_path / "program.py", tmp_path / "report.typ"
    program.write_text(
        "import mechanics.runtime.seeds\n"
        "from mechanics.addition import pairs\n"
        "def late():\n    from mechanics.figures.style import save\n"
    )
    template.write_text("= Report")
    assert {"seeds.py", "pairs.py", "style.py"} <= {path.name for path in closure(program)}
    assert FIGURE not in closure(PLOT)
    assert {FIGURE, PLOT, template} <= set(closure(PLOT, FIGURE, template))
    before = code_sha256([template])
    template.write_text("= Another report")
    assert before != code_sha256([template])


def test_id_depends_on_inputs_and_code_but_not_on_their_order(tmp_path):
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("1")
    second.write_text("2")
    found = short_id([first, second], PLOT, FIGURE)
    assert len(found) == 12
    assert found == short_id([second, first], PLOT, FIGURE)
    assert found != short_id([first, second], PLOT)
    second.write_text("3")
    assert found != short_id([first, second], PLOT, FIGURE)


NO_CLONE = "this is no git clone"
WHY = {"whole": "", "shallow": "git fetch --unshallow", "foreign": "safe.directory"}
WHY |= {"ZIP": NO_CLONE, "around": NO_CLONE, "no git": "there is no git here"}


@pytest.mark.parametrize("case", WHY)
def test_why_git_knows_no_older_code_and_without_git_no_commit(tmp_path, monkeypatch, case):
    project = repository(tmp_path / "project", "scripts/train.py")
    if case == "shallow":
        clone = ["git", "clone", "--quiet", "--depth", "1", f"file://{project}", tmp_path / "one"]
        subprocess.run(clone, check=True)
        project = tmp_path / "one"
    elif case == "foreign":
        monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    elif case == "ZIP":
        project = tmp_path
    elif case == "around":  # unpacked from a tarball into the repository of another project
        project = project / "unpacked"
        (project / "scripts").mkdir(parents=True)
        (project / "scripts/train.py").write_text("not of that repository")
    elif case == "no git":
        monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(lineage, "ROOT", project)
    said = why_no_history()
    assert WHY[case] in said
    assert bool(said) == bool(WHY[case])
    if case in ("ZIP", "around", "no git"):
        assert git_commit() == "unknown"
