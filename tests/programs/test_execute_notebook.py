"""Executing a notebook: the same bytes each time, nothing from the network, and clear failures."""

import ast
import json
import re
from pathlib import Path

import nbformat
import pytest
from helpers import addition_settings, run_program
from small_study import write_weights

from execute_notebook import ROOT, SOURCE, prepare, read, shows_path

TINY = """
# %% [markdown]
# # A tiny notebook
# %% tags=["parameters"]
STUDY = "nothing"
# %%
import os, sys
print({"a", "b", "c"}, STUDY)
print(sys.flags.optimize, os.environ.get("MPLBACKEND"))
print("/a/path/of/this/machine.py: warning", file=sys.stderr)
# %% tags=["clock"]
print("clock")
# %% tags=["exercise"]
def double(x):
    '''Twice x.'''
    return 2 * x
# %%
assert double(2) == 4
import matplotlib.pyplot as plt
from mechanics.report.notebook import show
figure, axis = plt.subplots(figsize=(1, 1))
show(figure, "an empty plot")
"""
IMPORTS = "# %%\nimport sys\nsys.path.insert(0, 'scripts')\n"


@pytest.fixture
def study(tmp_path) -> Path:
    """A study with one network, on addition, that is no clock."""
    write_weights(tmp_path / "study", "linear_L1", addition_settings(attention="linear"))
    return tmp_path / "study"


def execute(study: Path, source: str, output: Path) -> None:
    path = study.parent / "tiny.py"
    path.write_text(source)
    run_program("execute_notebook", "--study", study, "--source", path, "--output", output)


def test_executed_twice_it_is_the_same_whatever_a_user_has_set_and_needs_no_network(
    study, tmp_path, capsys, monkeypatch
):
    execute(study, IMPORTS + TINY, tmp_path / "first")
    foreign = tmp_path / "jupyter/kernels/python3"
    foreign.mkdir(parents=True)
    spec = {"argv": ["/bin/false"], "display_name": "foreign", "language": "python"}
    (foreign / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")
    monkeypatch.setenv("MPLBACKEND", "TkAgg")
    execute(study, IMPORTS + TINY, tmp_path / "second")
    notebook, page, exercises = (
        tmp_path / "first" / name for name in ("tiny.ipynb", "tiny.html", "exercises.ipynb")
    )
    for path in (notebook, page, exercises):
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()
    html = page.read_text()
    assert 'src="data:image/png;base64' in html
    assert "<script" not in html
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//|url\(["']?http|@import""", html)
    assert "of/this/machine.py: warning" in capsys.readouterr().err
    cells = nbformat.read(notebook, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert [output.get("name") for output in outputs] == ["stdout", None]  # no stderr
    assert outputs[0].text.endswith("\n0 module://matplotlib_inline.backend_inline\n")
    assert outputs[1].metadata["image/png"]["alt"] == "an empty plot"
    unsolved = [cell.source for cell in nbformat.read(exercises, as_version=4).cells]
    head = "def double(x):\n    '''Twice x.'''\n    "
    assert [own.source for own in cells if own.source not in unsolved] == [f"{head}return 2 * x"]
    assert f"{head}raise NotImplementedError  # your code" in unsolved


def test_failing_cell_is_named_and_no_product_written(study, tmp_path, capsys):
    source = TINY + "# %%\n1 / 0  # here\n"
    with pytest.raises(SystemExit, match="cell 8 of 8 failed: ZeroDivisionError: division by zero"):
        execute(study, IMPORTS + source, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert "1 / 0  # here" in capsys.readouterr().err


def test_output_with_a_path_of_this_machine_is_refused(study, tmp_path):
    source = '# %% tags=["parameters"]\nSTUDY = 0\n# %%\nimport os\nprint(os.getcwd())\n'
    with pytest.raises(SystemExit, match="shows a path of this machine"):
        execute(study, source, tmp_path / "out")


def test_pictures_and_longer_names_show_no_path():
    picture = nbformat.v4.new_output("display_data", {"image/png": "aa/io/bb", "text/plain": "no"})
    text = nbformat.v4.new_output("stream", text="read /data/io/x, ~/io, https://a/io, /ions")
    cell = nbformat.v4.new_code_cell(outputs=[picture, text])
    notebook = nbformat.v4.new_notebook(cells=[cell])
    assert not shows_path(notebook, Path("/io"))
    text.text += "\nFile /io/x.py"
    assert shows_path(notebook, Path("/io"))


def test_cells_without_their_network_leave_one_line(study, tmp_path):
    (tmp_path / "1_tiny.py").write_text(TINY)
    (tmp_path / "2_more.py").write_text('# %% tags=["clock"]\n2\n# %% tags=["clock"]\n3\n')
    sources = [cell.source for cell in prepare(tmp_path, study).cells]
    said = [source for source in sources if "this study has no network of" in source]
    assert len(said) == 2  # one for each series
    assert not {'print("clock")', "2", "3"}.intersection(sources)


def test_source_without_parameters_is_refused(study, tmp_path):
    with pytest.raises(SystemExit, match="0 cells tagged parameters, expected one"):
        execute(study, "# %%\n1\n", tmp_path / "out")


def prose() -> str:
    return "\n".join(cell.source for cell in read(SOURCE).cells if cell.cell_type == "markdown")


def test_prose_of_the_notebook_has_no_typed_results():
    assert re.findall(r"\d[.,]\d+|\d+ ?%", prose()) == []


def test_every_exercise_is_one_function_that_the_next_code_cell_checks():
    code = [cell for cell in read(SOURCE).cells if cell.cell_type == "code"]
    found = [i for i, cell in enumerate(code) if "exercise" in cell.metadata.get("tags", [])]
    assert len(found) == len(re.findall(r"\*\*Exercise \d+\.\*\*", prose())) > 0
    for i in found:
        (function,) = ast.parse(code[i].source).body
        assert ast.get_docstring(function)
        assert re.search(rf"\b{function.name}\(", code[i + 1].source)
        assert "assert " in code[i + 1].source


def test_outside_the_project_the_first_cell_says_what_to_do(tmp_path, monkeypatch):
    cell = next(cell.source for cell in read(SOURCE).cells if "ROOT = " in cell.source)
    monkeypatch.chdir(tmp_path)
    assert ROOT not in tmp_path.parents
    with pytest.raises(RuntimeError, match="git clone"):
        exec(cell, {})
