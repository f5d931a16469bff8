"""Execute the notebook on the results of a study: study.ipynb, and study.html to read it without
Jupyter. Neither needs the network. exercises.ipynb is the same notebook, not executed, with the
solutions left to the reader.

The source is a jupytext script, or a folder of its parts in the order of their names. Its cell
tagged "parameters" is replaced by one that names the study; cells tagged with a network that the
study lacks are replaced by a line that says so; a cell tagged "exercise" is one function. What
cells write to stderr goes to this program's stderr and not into the notebook.
"""

import argparse
import ast
import os
import re
import sys
import tempfile
from copy import deepcopy
from pathlib import Path

import jupytext
import nbformat
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from mechanics.runtime.files import atomic
from mechanics.study.lineage import ROOT
from mechanics.study.results import model_for
from mechanics.training.checkpoint import CheckpointError

SOURCE = ROOT / "workflow" / "notebooks" / "study"
LACKS = {  # by the tags of cells: study.results.roles
    "gradient-step": "one head of linear attention on regression tokens",
    "clock": "one layer of softmax attention on modular addition without LayerNorm",
    "deep-addition": "several layers of softmax attention on modular addition",
}
USERS = ("PYTHON", "IPYTHON", "JUPYTER", "MPL", "MATPLOTLIB")  # settings that are not ours
# Without the scripts that nbconvert's page loads from the network, and no wider than can be read.
TEMPLATE = """
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block html_head_css -%}
<style>
main { max-width: 68rem; margin: 0 auto; }
.jp-InputPrompt, .jp-OutputPrompt { display: none; }
.jp-RenderedImage img { max-width: 100%; height: auto; }
.jp-RenderedHTMLCommon table { margin-left: 0; }
.jp-RenderedHTMLCommon table :is(th, td, tr) { text-align: left !important; vertical-align: top; }
@media print { pre { white-space: pre-wrap !important; } }
</style>
{%- endblock -%}
"""


class NotebookError(Exception):
    """A notebook that does not run to its end. The message names the cell and what went wrong."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", required=True, type=Path, help="e.g. results/published")
    parser.add_argument("--source", type=Path, default=SOURCE, help="jupytext percent scripts")
    parser.add_argument("--output", type=Path, default=Path("results/notebook"))
    arguments = parser.parse_args()
    name = arguments.source.stem
    try:
        notebook = prepare(arguments.source, arguments.study)
        exercises = without_solutions(notebook)
        execute(notebook)
        exporter = HTMLExporter(raw_template=TEMPLATE)  # pictures are embedded
        page, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": name}})
    except (NotebookError, CheckpointError, OSError) as error:
        sys.exit(f"execute_notebook.py: {error}")
    texts = {f"{name}.ipynb": nbformat.writes(notebook), f"{name}.html": page}
    for file, text in (texts | {"exercises.ipynb": nbformat.writes(exercises)}).items():
        with atomic(arguments.output / file) as part:
            part.write_text(text.rstrip("\n") + "\n", "utf-8")


def prepare(source: Path, study: Path) -> NotebookNode:
    """The notebook to be executed on a study, without outputs.

    Raises NotebookError if the source has no cell for the parameters, CheckpointError if the study
    has no weights, OSError if the source cannot be read.
    """
    notebook = read(source)
    parameters = [cell for cell in notebook.cells if "parameters" in _tags(cell)]
    if len(parameters) != 1:
        raise NotebookError(f"{source}: {len(parameters)} cells tagged parameters, expected one")
    parameters[0].source = f"STUDY = {os.path.relpath(study.resolve(), ROOT)!r}"
    lacking = {role for role in LACKS if model_for(study, role) is None}
    notebook.cells = list(_without(notebook.cells, lacking))
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:03d}"  # jupytext's are drawn at random
    return notebook


def read(source: Path) -> NotebookNode:
    """The notebook as it is written, from one file or from a folder of its parts."""
    parts = sorted(source.glob("*.py")) or [source]
    notebook = jupytext.reads("\n".join(part.read_text("utf-8") for part in parts), "py:percent")
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata = nbformat.from_dict({"kernelspec": kernel})
    return notebook


def _tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def _without(cells: list[NotebookNode], lacking: set[str]):
    """The cells, those that need a network that is lacking replaced by one line for each series."""
    said: set[str] = set()
    for cell in cells:
        missing = lacking.intersection(_tags(cell))
        if missing - said:
            text = " and ".join(LACKS[role] for role in sorted(missing))
            line = f"*Left out: this study has no network of {text}.*"
            yield nbformat.v4.new_markdown_cell(line)
        said = missing
        if not missing:
            yield cell


def without_solutions(notebook: NotebookNode) -> NotebookNode:
    """A copy in which the function of an exercise ends with its docstring."""
    exercises = deepcopy(notebook)
    for cell in exercises.cells:
        if "exercise" in _tags(cell):
            docstring = ast.parse(cell.source).body[0].body[0]
            kept = cell.source.splitlines()[: docstring.end_lineno]
            cell.source = "\n".join([*kept, "    raise NotImplementedError  # your code"])
    return exercises


def execute(notebook: NotebookNode) -> None:
    """Run all cells, in place, in a kernel that leaves no files in the home folder.

    Raises NotebookError, which names the cell; its source and traceback go to stderr.
    """
    cells = notebook.cells
    with tempfile.TemporaryDirectory() as folder:
        own = {name: v for name, v in os.environ.items() if not name.startswith(USERS)}
        own |= {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}  # same sums, same orders of sets
        own |= {"IPYTHONDIR": folder, "PYTHONUTF8": "1"}
        # this Python's kernel, whatever else is installed under its name
        kernels = KernelSpecManager(kernel_dirs=[])
        client = NotebookClient(
            notebook,
            timeout=None,
            km=AsyncKernelManager(kernel_name="python3", kernel_spec_manager=kernels),
            extra_arguments=["--IPKernelApp.log_level=ERROR"],
            record_timing=False,
            coalesce_streams=True,  # where prints are cut is a matter of timing
            resources={"metadata": {"path": str(ROOT)}},
            on_cell_start=lambda cell, cell_index: _log(f"{cell_index + 1}/{len(cells)}"),
        )
        try:
            client.execute(env=own)
        except (CellExecutionError, DeadKernelError) as error:
            _log(str(error))
            last = max(
                (n for n, own in enumerate(cells, 1) if own.get("execution_count")), default=1
            )
            what = f"{getattr(error, 'ename', 'the kernel died')}: {getattr(error, 'evalue', '')}"
            raise NotebookError(f"cell {last} of {len(cells)} failed: {what}") from None
    notebook.metadata.pop("widgets", None)
    notebook.metadata.language_info = {"name": "python", "pygments_lexer": "ipython3"}
    for cell in [cell for cell in cells if cell.cell_type == "code"]:
        said = [output for output in cell.outputs if output.get("name") == "stderr"]
        cell.outputs = [output for output in cell.outputs if output not in said]
        for output in said:
            _log(f"{cell.id}: {output.text.rstrip()}")
    if shows_path(notebook, ROOT):
        raise NotebookError(f"an output shows a path of this machine, {ROOT}")


def shows_path(notebook: NotebookNode, root: Path) -> bool:
    """Whether a text that a cell wrote names this folder. Pictures are no text."""
    said = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    texts = [output.get("text", "") for output in said]
    texts += [t for o in said for kind, t in o.get("data", {}).items() if kind.startswith("text/")]
    name = re.compile(rf"(?<![\w./~-]){re.escape(str(root))}(?![\w.-])")
    return any(name.search(text) for text in texts)


def _log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
