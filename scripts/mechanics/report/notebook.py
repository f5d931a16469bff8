"""What the cells of the notebook show: pictures with a text for those who cannot see them. The same
input gives the same bytes."""

from io import BytesIO

import matplotlib.pyplot as plt
from IPython.display import Image, display
from matplotlib.figure import Figure

from mechanics.figures.style import write_png

DPI = 130


def show(figure: Figure, alt: str) -> None:
    """Embed a figure and close it."""
    picture = BytesIO()
    write_png(figure, picture, DPI)
    plt.close(figure)
    display(Image(picture.getvalue(), alt=alt))
