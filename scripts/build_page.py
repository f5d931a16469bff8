"""Build the study's page: index.html, in which two networks run, and evidence.html beside it.

index.html is one file that needs no network and no other file. evidence.html has the comparative
table and the figures that ``--contents`` lists, with links to their data in the study's folder.
"""

import argparse
import sys
from pathlib import Path

import docutils.utils
import jinja2
from markupsafe import Markup

from mechanics.report.page.evidence import evidence
from mechanics.report.page.networks import page_data
from mechanics.report.page.pack import as_json
from mechanics.runtime.files import atomic
from mechanics.settings import read_settings
from mechanics.study.lineage import ROOT
from mechanics.training.checkpoint import CheckpointError

TEMPLATES = ROOT / "workflow/page"
CAPTION = ROOT / "workflow/report/comparative_metrics_table.rst"  # of the comparative table
CORE = ("arrays.js", "addition.js", "regression.js")  # the networks: in the page and in its worker
PROGRAMS = ("draw.js", "engine.js", "state.js", "add.js", "inside.js", "learn.js", "late.js")
PROGRAMS += ("prompt.js", "start.js")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", required=True, type=Path, help="folder, e.g. results/full")
    words = "folders of the addition runs it shows"
    parser.add_argument("--runs", type=Path, nargs="*", default=[], help=words)
    words = "JSON per task: drawn {figure: [paths of its data in the study]}, absent [figure]"
    parser.add_argument("--contents", required=True, help=words)
    parser.add_argument("--output", required=True, type=Path, help="folder of both pages")
    arguments = parser.parse_args()
    contents = read_settings(arguments.contents)
    try:
        data = page_data(arguments.study, arguments.runs)
        first = data | {"study": arguments.study.name, "data": Markup(as_json(data))}
        second = evidence(arguments.study, CAPTION, contents)
        pages = {
            name: render(f"{name}.j2", shown)
            for name, shown in (("index.html", first), ("evidence.html", second))
        }
    except (CheckpointError, OSError, docutils.utils.SystemMessage, jinja2.TemplateError) as error:
        sys.exit(f"build_page.py: {error}")
    for name, page in pages.items():
        with atomic(arguments.output / name) as part:
            part.write_text(page, "utf-8")


def render(template: str, content: dict) -> str:
    """Raises jinja2.UndefinedError if the template wants what there is not."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(
        **content,
        style=Markup((TEMPLATES / "page.css").read_text("utf-8")),
        core=Markup(inline(program(CORE))),
        programs=Markup(inline(program(PROGRAMS))),
    )


def program(names: tuple[str, ...]) -> str:
    return "\n".join(['"use strict";', *((TEMPLATES / name).read_text("utf-8") for name in names)])


def inline(script: str) -> str:
    """JavaScript that may stand in a script element: nothing in it ends the element."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


if __name__ == "__main__":
    main()
