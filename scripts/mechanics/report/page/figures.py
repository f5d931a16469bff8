"""The study's figures as the page of evidence shows them: title, caption, links to their data."""

import re
from dataclasses import dataclass
from pathlib import Path

from docutils.core import publish_parts
from PIL import Image

from mechanics.figures.registry import caption, title


@dataclass(frozen=True)
class Picture:
    """A figure. ``data`` are paths of its tables, relative to the study's folder."""

    name: str
    title: str
    width: int
    height: int
    alt: str
    caption: str
    data: list[str]


def caption_html(text: str) -> str:
    """reStructuredText as HTML without a frame. Raises docutils' SystemMessage on an error."""
    settings = {"halt_level": 2, "report_level": 2, "raw_enabled": False}
    settings |= {"file_insertion_enabled": False}
    return publish_parts(text, writer="html5", settings_overrides=settings)["fragment"].strip()


def read_picture(name: str, png: Path, data: list[str], track: str) -> Picture:
    """What is said of a figure. Raises OSError without its PNG, which the page shows from there."""
    with Image.open(png) as image:
        width, height = image.size
    shown = caption_html(caption(name))
    first = re.split(r"(?<=[.?])\s", re.sub(r"<[^>]+>", "", shown).replace("\n", " "))[0]
    alt = f"{title(name)}, {track}. {first}"
    return Picture(name, title(name), width, height, alt, shown, data)
