from pathlib import Path

import matplotlib.pyplot as plt
from PIL import Image

from mechanics.figures import style
from mechanics.study.lineage import closure, code_sha256, id_of, short_id
from mechanics.study.provenance import SCRIPTS, closure_sha256
from mechanics.study.verification import carried_id

PLOT = SCRIPTS / "plot.py"
PARSIMONY = SCRIPTS / "mechanics/figures/parsimony.py"


def test_hash_of_one_program_is_that_which_its_run_records():
    assert code_sha256(closure(SCRIPTS / "train.py")) == closure_sha256(SCRIPTS / "train.py")


def test_closure_holds_modules_imported_by_name_and_other_files(tmp_path):
    template = tmp_path / "report.typ"
    template.write_text("= Report")
    assert PARSIMONY not in closure(PLOT)
    assert {PARSIMONY, PLOT, template} <= set(closure(PLOT, PARSIMONY, template))


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
    assert drawn(tmp_path / "once") == drawn(tmp_path / "again")
    for kind in ("pdf", "png"):
        assert carried_id(tmp_path / f"once/line.{kind}") == id_of(["a"], "b")


def test_file_without_id_or_damaged_carries_none(tmp_path):
    Image.new("L", (2, 2)).save(tmp_path / "plain.png")
    (tmp_path / "damaged.pdf").write_bytes(b"%PDF-1.4\n")
    assert carried_id(tmp_path / "plain.png") is None
    assert carried_id(tmp_path / "damaged.pdf") is None
