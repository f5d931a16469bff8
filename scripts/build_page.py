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

from mechanics.figures.registry import title
from mechanics.report.page.comparison_table import grouped
from mechanics.report.page.figures import caption_html, read_picture
from mechanics.report.page.networks import page_data
from mechanics.report.page.pack import as_json
from mechanics.report.page.render import render
from mechanics.runtime.files import atomic
from mechanics.settings import read_settings
from mechanics.tables.frames import read_table
from mechanics.training.checkpoint import CheckpointError

TRACKS = {"linear_regression": "Track A", "modular_addition": "Track B"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", required=True, type=Path, help="folder, e.g. results/full")
    parser.add_argument(
        "--runs", type=Path, nargs="*", default=[], help="folders of the addition runs it shows"
    )
    parser.add_argument(
        "--contents",
        required=True,
        help="JSON per task: drawn {figure: [paths of its data in the study]}, absent [figure]",
    )
    parser.add_argument("--templates", required=True, type=Path, help="folder of the templates")
    parser.add_argument("--caption", required=True, type=Path, help="that of the table, .rst")
    parser.add_argument("--output", required=True, type=Path, help="folder of both pages")
    arguments = parser.parse_args()
    contents = read_settings(arguments.contents)
    try:
        data = page_data(arguments.study, arguments.runs)
        shown = {"study": arguments.study.name, "data": Markup(as_json(data))}
        shown |= {"addition": data["addition"], "prompts": data["prompts"]}
        pages = {
            "index.html": render(arguments.templates, "index.html.j2", shown),
            "evidence.html": render(
                arguments.templates,
                "evidence.html.j2",
                evidence(arguments.study, arguments.caption, contents),
            ),
        }
    except (CheckpointError, OSError, docutils.utils.SystemMessage, jinja2.TemplateError) as error:
        sys.exit(f"build_page.py: {error}")
    for name, page in pages.items():
        with atomic(arguments.output / name) as part:
            part.write_text(page, "utf-8")


def evidence(study: Path, caption: Path, contents: dict) -> dict:
    """What the template of the second page shows."""
    tracks = []
    for task, track in TRACKS.items():
        listed = contents.get(task, {"drawn": {}, "absent": []})
        pictures = [
            read_picture(name, study / f"figures/{name}.png", data, track)
            for name, data in listed["drawn"].items()
        ]
        absent = [title(name) for name in listed["absent"]]
        known = task in contents
        tracks.append({"name": track, "known": known, "pictures": pictures, "absent": absent})
    return {
        "study": study.name,
        "comparison": grouped(read_table(study / "tables/comparative_metrics.csv")),
        "comparison_caption": caption_html(caption.read_text("utf-8")),
        "tracks": tracks,
    }


if __name__ == "__main__":
    main()
