from pathlib import Path

from mechanics.study.provenance import SCRIPTS, closure_sha256, git_commit, import_closure


def names(program: str) -> set[str]:
    return {str(path.relative_to(SCRIPTS)) for path in import_closure(SCRIPTS / program)}


def test_closure_follows_imports_of_imports():
    found = names("train.py")
    assert {"train.py", "mechanics/training/loop.py", "mechanics/training/optimiser.py"} <= found


def test_closure_leaves_out_what_is_not_imported():
    assert not any("figures" in name or "algorithms" in name for name in names("train.py"))
    assert "mechanics/study/config.py" not in names("train.py")


def test_a_new_key_or_sentence_reruns_nothing():
    programs = [path.name for path in SCRIPTS.glob("*.py")]
    assert [name for name in programs if "mechanics/study/keys.py" in names(name)] == ["restore.py"]


def test_every_form_of_import_is_seen(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import mechanics.runtime.seeds\n"
        "from mechanics.addition import pairs\n"
        "def late():\n    from mechanics.figures.style import save\n"
    )
    found = {path.name for path in import_closure(program)}
    assert {"seeds.py", "pairs.py", "style.py"} <= found


def test_hash_depends_on_content():
    assert closure_sha256(SCRIPTS / "train.py") == closure_sha256(SCRIPTS / "train.py")
    assert closure_sha256(SCRIPTS / "train.py") != closure_sha256(Path(SCRIPTS / "plot.py"))


def test_without_git_the_commit_is_unknown(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_commit() == "unknown"
