"""The code that made a file, and the id in the metadata of what is drawn."""

from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from mechanics.figures import style
from mechanics.study.lineage import SCRIPTS, closure, code_sha256, git_commit, id_of, short_id

PLOT = SCRIPTS / "plot.py"
PARSIMONY = SCRIPTS / "mechanics/figures/parsimony.py"


def names(program: str) -> set[str]:
    return {str(path.relative_to(SCRIPTS)) for path in closure(SCRIPTS / program)}


def test_closure_follows_imports_of_imports():
    found = names("train.py")
    assert {"train.py", "mechanics/training/loop.py", "mechanics/training/optimiser.py"} <= found


def test_closure_leaves_out_what_is_not_imported():
    assert not any("figures" in name or "algorithms" in name for name in names("train.py"))
    assert "mechanics/study/config.py" not in names("train.py")
    assert "mechanics/study/provenance.py" not in names("train.py")


@pytest.mark.parametrize(
    ("module", "rooms"),
    [
        ("models/prompts", {"regression"}),
        ("addition/pairs", {"addition"}),
        ("regression/laws/risk", set()),
        ("runtime/seeds", {"regression", "addition"}),
        ("training/checkpoint", {"regression", "addition"}),
    ],
)
def test_a_training_is_made_by_its_own_track_and_what_both_share(module, rooms):
    for room in ("regression", "addition"):
        task = SCRIPTS / f"mechanics/{room}/task.py"
        made_by = closure(SCRIPTS / "train.py", task)
        assert task in made_by
        assert (SCRIPTS / f"mechanics/{module}.py" in made_by) == (room in rooms)


def test_a_new_key_or_sentence_reruns_nothing():
    programs = [path.name for path in SCRIPTS.glob("*.py")]
    assert not [name for name in programs if "mechanics/study/keys.py" in names(name)]


def test_every_form_of_import_is_seen(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import mechanics.runtime.seeds\n"
        "from mechanics.addition import pairs\n"
        "def late():\n    from mechanics.figures.style import save\n"
    )
    found = {path.name for path in closure(program)}
    assert {"seeds.py", "pairs.py", "style.py"} <= found


def test_closure_holds_modules_imported_by_name_and_other_files(tmp_path):
    template = tmp_path / "report.typ"
    template.write_text("= Report")
    assert PARSIMONY not in closure(PLOT)
    assert {PARSIMONY, PLOT, template} <= set(closure(PLOT, PARSIMONY, template))


def test_hash_depends_on_content():
    train, compare = ([SCRIPTS / name] for name in ("train.py", "plot.py"))
    assert code_sha256(train) == code_sha256(train)
    assert code_sha256(train) != code_sha256(compare)


def test_without_git_the_commit_is_unknown(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_commit() == "unknown"


def test_id_depends_on_inputs_and_code_but_not_on_their_order(tmp_path):
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("1")
    second.write_text("2")
    found = short_id([first, second], PLOT, PARSIMONY)
    assert len(found) == 12
    assert found == short_id([second, first], PLOT, PARSIMONY)
    assert found != short_id([first, second], PLOT)
    second.write_text("3")
    assert found != short_id([first, second], PLOT, PARSIMONY)


def test_figures_carry_the_id_and_are_the_same_bytes_twice(tmp_path):
    def drawn(folder: Path) -> dict[str, bytes]:
        figure, axis = plt.subplots()
        axis.plot([0, 1])
        style.save(figure, folder, "line", id_of(["a"], "b"))
        plt.close(figure)
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    style.use_style()
    files = drawn(tmp_path / "once")
    assert files == drawn(tmp_path / "again")
    assert all(id_of(["a"], "b").encode() in content for content in files.values())
