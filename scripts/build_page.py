"""Build the study's page: one HTML file with table, figures and explorer that needs no network.

Of the figures the page shows those that ``--contents`` lists, whatever else lies in the folder.
"""

import argparse
import json
import sys
from itertools import groupby
from pathlib import Path

import docutils.utils
import jinja2
import pandas as pd

from mechanics.figures.registry import title
from mechanics.report.page.addition import AdditionRun, addition_explorer
from mechanics.report.page.charts import HIGHEST_RISK, LAWS, RISK_FLOOR, specifications
from mechanics.report.page.comparison_table import grouped
from mechanics.report.page.figures import caption_html, read_picture
from mechanics.report.page.notes import addition_notes, regression_notes
from mechanics.report.page.regression import regression_explorer
from mechanics.report.page.render import render
from mechanics.runtime.files import atomic
from mechanics.settings import read_settings
from mechanics.tables.frames import read_table

TRACKS = {"linear_regression": "Track A", "modular_addition": "Track B"}
ANALYSES = {  # of an addition run, every checkpoint
    "progress": "progress",
    "spectra": "spectra",
    "planes": "embedding_planes",
    "circles": "embedding_trace",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", required=True, type=Path, help="folder, e.g. results/full")
    parser.add_argument(
        "--runs", required=True, type=Path, nargs="+", help="folders of the runs to explore"
    )
    parser.add_argument(
        "--contents",
        required=True,
        help="JSON per task: drawn {figure: [paths of its data in the study]}, absent [figure]",
    )
    parser.add_argument("--templates", required=True, type=Path, help="folder of the templates")
    parser.add_argument("--caption", required=True, type=Path, help="that of the table, .rst")
    parser.add_argument("--output", required=True, type=Path, help="the HTML file")
    arguments = parser.parse_args()
    contents = read_settings(arguments.contents)
    try:
        explorers = explore(arguments.study, arguments.runs)
        content = describe(arguments.study, arguments.caption, contents, explorers)
        page = render(arguments.templates, content, page_data(explorers))
    except (OSError, docutils.utils.SystemMessage, jinja2.TemplateError) as error:
        sys.exit(f"build_page.py: {error}")
    with atomic(arguments.output) as part:
        part.write_text(page, "utf-8")


def explore(study: Path, runs: list[Path]) -> dict[str, dict]:
    """The explorer's data of every task. A run's folder is …/{task}/{model}/{block}."""
    found = {}
    for task, group in groupby(runs, key=lambda folder: folder.parts[-3]):
        folders = list(group)
        if task == "linear_regression":
            own = {
                model: pd.concat(map(read_history, blocks), ignore_index=True)
                for model, blocks in groupby(folders, key=lambda folder: folder.parts[-2])
            }
            found[task] = regression_explorer(own, read_table(study / "tables/regression_risk.csv"))
        else:
            entries = [folder.parts[-2] for folder in folders]
            read = [read_addition(study, folder) for folder in folders]
            grokking = read_table(study / "tables/grokking.csv")
            found[task] = addition_explorer(read, entries, grokking)
        found[task]["settings"] = json.loads((folders[0] / "run.json").read_text("utf-8"))[
            "settings"
        ]
    return found


def read_history(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "history.parquet")


def read_addition(study: Path, folder: Path) -> AdditionRun:
    analysis = study.joinpath("analysis", *folder.parts[-3:])
    frames = {
        name: pd.read_parquet(analysis / f"{file}.parquet") for name, file in ANALYSES.items()
    }
    return AdditionRun(history=read_history(folder), **frames)


def page_data(explorers: dict[str, dict]) -> dict:
    """What the page's scripts read."""
    networks = {task: own["networks"] for task, own in explorers.items()}
    return {"charts": specifications(), "networks": networks}


def n_seeds(explorer: dict) -> int:
    """How many trainings there were, diverged ones included."""
    return sum(len(own["seeds"]) + len(own.get("diverged", [])) for own in explorer["networks"])


def describe(study: Path, caption: Path, contents: dict, explorers: dict[str, dict]) -> dict:
    """What the template shows, but for the explorer's data."""
    tracks = []
    for task, track in TRACKS.items():
        listed = contents.get(task, {"drawn": {}, "absent": []})
        pictures = [
            read_picture(name, study / f"figures/{name}.png", data, track)
            for name, data in listed["drawn"].items()
        ]
        explorer = explorers.get(task)
        notes = {"linear_regression": regression_notes, "modular_addition": addition_notes}
        tracks.append(
            {
                "task": task,
                "name": track,
                "pictures": pictures,
                "absent": [title(name) for name in listed["absent"]],
                "explorer": explorer,
                "n_seeds": n_seeds(explorer) if explorer else 0,
                "notes": notes[task](explorer) if explorer else [],
            }
        )
    return {
        "study": study.name,
        "comparison": grouped(read_table(study / "tables/comparative_metrics.csv")),
        "comparison_caption": caption_html(caption.read_text("utf-8")),
        "tracks": tracks,
        "laws": LAWS,
        "risk_floor": f"{RISK_FLOOR:g}",
        "highest_risk": f"{HIGHEST_RISK:g}",
    }


if __name__ == "__main__":
    main()
