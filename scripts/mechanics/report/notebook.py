"""What the cells of the notebook show: pictures with a text for those who cannot see them. The same
input gives the same bytes."""

from io import BytesIO

import matplotlib.pyplot as plt
from IPython.display import Image, display
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
