"""What stands in a panel: its words and its lines."""

import numpy as np


def words(axis) -> list[str]:
    return [text.get_text() for text in axis.texts]


def title(axis) -> str:
    return axis.get_title() or axis.get_title(loc="left")


def lines(axis, colour: str | None = None, dashes: str = "-") -> list[list[float]]:
    """Heights of the lines of one colour and style that have more than one point."""
    return [
        np.asarray(line.get_ydata()).tolist()
        for line in axis.lines
        if colour in (None, line.get_color()) and line.get_linestyle() == dashes
        if len(line.get_ydata()) > 1
    ]


def marks(axis, marker: str, face: str | None = None) -> list[tuple[float, float]]:
    """Places of all points drawn with this marker, and if it is given with this face."""
    return [
        (float(x), float(y))
        for line in axis.lines
        if line.get_marker() == marker and face in (None, line.get_markerfacecolor())
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    ]
