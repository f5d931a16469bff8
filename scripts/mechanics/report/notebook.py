"""What the cells of the notebook show: pictures with a text for those who cannot see them, tables,
and the study's figures with their captions. The same input gives the same bytes."""

from io import BytesIO
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import HTML, Image, Markdown, display
from matplotlib.figure import Figure
from PIL import Image as Picture

CAPTIONS = Path(__file__).resolve().parents[3] / "workflow" / "report"
DPI = 130


def show(figure: Figure, alt: str) -> None:
    """Embed a figure and close it."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    plt.close(figure)
    display(Image(smaller(buffer.getvalue()), alt=alt))


def smaller(png: bytes) -> bytes:
    """The same picture in 256 colours, a third of the bytes: a notebook should stay light."""
    buffer = BytesIO()
    picture = Picture.open(BytesIO(png)).convert("RGB")
    picture.quantize(256, Picture.Quantize.MEDIANCUT, dither=Picture.Dither.NONE).save(
        buffer, format="png", optimize=True
    )
    return buffer.getvalue()


def caption(name: str) -> str:
    """The caption of a figure of the study as one line of Markdown; empty if it has none."""
    path = CAPTIONS / f"{name}.rst"
    if not path.exists():
        return ""
    return " ".join(path.read_text().split()).replace("``", "`").replace("*", r"\*")


def show_figure(study: Path, name: str, what_to_see: str = "") -> None:
    """A figure of the study with its caption, or one line that says that the study has none."""
    path = study / "figures" / f"{name}.png"
    if not path.exists():
        display(Markdown(f"*This study has no figure `{name}`.*"))
        return
    text = f"**{name.replace('_', ' ').capitalize()}.** {caption(name)}"
    display(Markdown(f"{text}\n\n**What to see:** {what_to_see}" if what_to_see else text))
    display(Image(smaller(path.read_bytes()), alt=name.replace("_", " ")))


def show_table(frame: pd.DataFrame) -> None:
    """A frame as a table, numbers to four digits, a dash for what is missing."""
    with pd.option_context("display.max_colwidth", None):
        text = frame.to_html(index=False, float_format="{:.4g}".format, na_rep="–", border=0)
    display(HTML(text))
