"""The study's figures as they stand in the page: picture, title, caption, links to their data."""

import base64
import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from docutils.core import publish_parts
from PIL import Image

from mechanics.figures.registry import caption, title


@dataclass(frozen=True)
class Picture:
    """A figure in the page. ``data`` are paths of its tables, relative to the study's folder."""

    name: str
    title: str
    source: str
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


def read_picture(name: str, png: Path, data: list[str], task: str) -> Picture:
    """The PNG's pixels as a data URL of lossless WebP, which is less than half its size."""
    image = Image.open(png).convert("RGB")
    small = BytesIO()
    image.save(small, "WEBP", lossless=True)
    shown = caption_html(caption(name))
    first = re.split(r"(?<=[.?])\s", re.sub(r"<[^>]+>", "", shown).replace("\n", " "))[0]
    return Picture(
        name=name,
        title=title(name),
        source="data:image/webp;base64," + base64.b64encode(small.getvalue()).decode(),
        width=image.width,
        height=image.height,
        alt=f"{title(name)}, {task}. {first}",
        caption=shown,
        data=data,
    )
