"""What the cells of the notebook show: pictures with a text for those who cannot see them, tables,
and the study's figures with their captions. The same input gives the same bytes."""

from io import BytesIO
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import HTML, Image, Markdown, display
from matplotlib.figure import Figure
from PIL import Image as Picture

from mechanics.figures.registry import FIGURES, caption, title

DPI = 130
SHOWN: set[str] = set()  # names of the figures that this notebook has shown


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


def show_figure(study: Path, name: str, what_to_see: str = "") -> None:
    """A figure of the study with its caption, or one line that says that the study has none."""
    SHOWN.add(name)
    path = study / "figures" / f"{name}.png"
    if not path.exists():
        display(Markdown(f"*This study has no figure `{name}`.*"))
        return
    about = " ".join(caption(name).split()).replace("``", "`").replace("*", r"\*")
    text = f"**{title(name)}**: {about}"
    display(Markdown(f"{text}\n\n**What to see:** {what_to_see}" if what_to_see else text))
    display(Image(smaller(path.read_bytes()), alt=name.replace("_", " ")))


def show_others(study: Path) -> None:
    """The figures of the study that no cell has shown."""
    for name in [name for own in FIGURES.values() for name in own]:
        if name not in SHOWN:
            show_figure(study, name)


def show_table(frame: pd.DataFrame) -> None:
    """A frame as a table, numbers to four digits, a dash for what is missing."""
    with pd.option_context("display.max_colwidth", None):
        text = frame.to_html(index=False, float_format="{:.4g}".format, na_rep="–", border=0)
    display(HTML(text))
