"""What the cells of the notebook show: pictures with a text for those who cannot see them, and
tables. The same input gives the same bytes."""

from io import BytesIO

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import HTML, Image, display
from matplotlib.figure import Figure
from PIL import Image as Picture

DPI = 130


def show(figure: Figure, alt: str) -> None:
    """Embed a figure and close it, in 256 colours: a third of the bytes."""
    drawn, small = BytesIO(), BytesIO()
    figure.savefig(drawn, format="png", dpi=DPI)
    plt.close(figure)
    picture = Picture.open(drawn).convert("RGB")
    picture.quantize(256, Picture.Quantize.MEDIANCUT, dither=Picture.Dither.NONE).save(
        small, format="png", optimize=True
    )
    display(Image(small.getvalue(), alt=alt))


def show_table(frame: pd.DataFrame) -> None:
    """A frame as a table, numbers to four digits, a dash for what is missing."""
    with pd.option_context("display.max_colwidth", None):
        text = frame.to_html(index=False, float_format="{:.4g}".format, na_rep="–", border=0)
    display(HTML(text))
