"""What the second page shows: the comparative table, and the figures with their data."""

import math
import re
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import pandas as pd
from docutils.core import publish_parts
from PIL import Image

from mechanics.figures.registry import caption, title
from mechanics.report.text import short
from mechanics.tables.columns import column
from mechanics.tables.frames import read_table

TRACKS = {"linear_regression": "Track A", "modular_addition": "Track B"}


def evidence(study: Path, table_caption: Path, contents: dict) -> dict:
    """What the template shows. ``contents``: that of ``build_page.py``.

    Raises OSError without a table or picture, docutils' SystemMessage for a wrong caption.
    """
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
    compared = read_table(study / "tables/comparative_metrics.csv")
    return {
        "study": study.name,
        "comparison": grouped(compared),
        "meaning": {name: column(name).meaning for name in compared},
        "comparison_caption": caption_html(table_caption.read_text("utf-8")),
        "tracks": tracks,
    }


def grouped(table: pd.DataFrame) -> list[dict]:
    """The rows of ``tables/comparative_metrics.csv``: a group for each network and task, a line for
    each metric, its references side by side.

    The interpretation stands beside a line and the next ``n_lines`` − 1, whose ``n_lines`` is 0.
    """
    keys, groups = ["configuration", "model", "task"], []
    for key, own in table.groupby(keys, sort=False):
        lines = [_line(metric, part) for metric, part in own.groupby("metric", sort=False)]
        for _, same in groupby(lines, key=itemgetter("interpretation")):
            first, *others = same
            first["n_lines"] = 1 + len(others)
        spent = own["train_flops"].iloc[0]
        flops = "–" if math.isnan(spent) else f"{spent:.2g}"
        groups.append(dict(zip(keys, key, strict=True)) | {"lines": lines, "train_flops": flops})
    return groups


def _line(metric: str, part: pd.DataFrame) -> dict:
    row, beside = part.iloc[0], part.dropna(subset="reference")
    known = not math.isnan(row["ci_low"])
    return {
        "metric": metric,
        "value": short(row["value"]) if row["n_seeds"] else "no seed",
        "interval": f"{short(row['ci_low'])} – {short(row['ci_high'])}" if known else "",
        "n_seeds": int(row["n_seeds"]),
        "references": list(
            zip(beside["reference"], map(short, beside["reference_value"]), strict=True)
        ),
        "flops_per_prompt": f"{row['flops_per_prompt']:,.0f}",
        "interpretation": row["interpretation"],
        "n_lines": 0,
    }


def caption_html(text: str) -> str:
    """reStructuredText as HTML without a frame. Raises docutils' SystemMessage on an error."""
    settings = {"halt_level": 2, "report_level": 2, "raw_enabled": False}
    settings |= {"file_insertion_enabled": False}
    return publish_parts(text, writer="html5", settings_overrides=settings)["fragment"].strip()


def read_picture(name: str, png: Path, data: list[str], track: str) -> dict:
    """What is said of a figure. ``data``: its tables, relative to the study's folder.

    Raises OSError without its PNG, which the page shows from there.
    """
    with Image.open(png) as image:
        width, height = image.size
    shown = caption_html(caption(name))
    first = re.split(r"(?<=[.?])\s", re.sub(r"<[^>]+>", "", shown).replace("\n", " "))[0]
    named = {"name": name, "title": title(name), "alt": f"{title(name)}, {track}. {first}"}
    return named | {"width": width, "height": height, "caption": shown, "data": data}
