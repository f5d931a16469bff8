"""One style for all figures: sizes, fonts, colours; a model has the same colour in every figure.

The palette began with hues of Okabe & Ito and of Tol; then lightness and hue were moved by a search
until any two of its colours, black included, differ by more than 10 (CIEDE2000) for normal sight
and as simulated for protanopia, deuteranopia and tritanopia (Machado et al. 2009); a test holds
that. Lines that have more colours than these have names at their ends.
"""

from collections.abc import Iterable, Sequence
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from textwrap import fill
from typing import BinaryIO

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mechanics.runtime.files import atomic
from mechanics.tables.frames import sound

COLUMN, PAGE = 3.4, 7.0  # inches: width of one column of the report, and of the page
COLOURS = {
    "linear_L1": "#1D6DCA",
    "linear_L1_axis": "#2D2283",
    "linear_L1_subspace": "#600F03",
    "softmax_L1": "#D66809",
    "softmax_L1_2heads": "#F2A80E",
    "linear_L2": "#3E9BF1",
    "linear_L3": "#229471",
    "linear_L6": "#00423A",
    "deep_L6": "#C677A3",
    "train": "#1D6DCA",
    "validation": "#D66809",
}
OTHERS = ["#960A50", "#28CCA8", "#A5A769", "#A14288", "#166B2D"]  # models that a user adds
ARMS = {"no_decay": OTHERS[1], "fixed_norm": COLOURS["linear_L6"]}  # beside ``ordered`` decays
END = "end"  # marks names at the ends of lines, which ``settle`` keeps apart
PLACES = 6  # of 1: decimals of positions in a figure, see ``settle``
WIDEST = 80  # letters of a line of a message in a figure
REFERENCE = "0.35"  # theory is drawn in grey, dashed
LABELS = {
    "linear_L1": "linear, 1 layer",
    "linear_L1_axis": "linear, axis arm",
    "linear_L1_subspace": "linear, subspace arm",
    "softmax_L1_subspace": "softmax, subspace arm",
    "deep_L6_subspace": "deep, subspace arm",
    "deep_L6_no_skip": "no skip connections",
    "deep_L6_no_mlp": "no MLPs",
    "deep_L6_attention_only": "attention only",
    "linear_L1_noise": "linear, 1 layer, noise",
    "linear_L6_noise": "linear, 6 layers, noise",
    "deep_L6_noise": "deep, 6 layers, noise",
    "softmax_L1": "softmax, 1 layer",
    "softmax_L1_2heads": "softmax, 2 heads",
    "linear_L2": "linear, 2 layers",
    "linear_L3": "linear, 3 layers",
    "linear_L6": "linear, 6 layers",
    "deep_L6": "deep, 6 layers",
}


def use_style() -> None:
    mpl.rcdefaults()  # whatever the user's matplotlibrc says
    mpl.use("Agg")
    mpl.rcParams.update(
        {
            "font.size": 8,
            "axes.titlesize": 8,
            "axes.labelsize": 8,
            "xtick.labelsize": 7,
            "ytick.labelsize": 7,
            "legend.fontsize": 7,
            "lines.linewidth": 1.2,
            "lines.markersize": 4.8,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.dpi": 150,
            "savefig.dpi": 200,
            "pdf.fonttype": 42,  # text stays text
            "svg.hashsalt": "transformer-mechanics",
            "figure.constrained_layout.use": True,
        }
    )


def colour(name: str, names: Iterable[str] = ()) -> str:
    """The colour of a model: its own in ``COLOURS``, or the next free one by ``names``.

    ``names``: the models of the figure's table. A name that they lack counts as the last of them.
    """
    if name in COLOURS:
        return COLOURS[name]
    unknown = [other for other in dict.fromkeys([*names, name]) if other not in COLOURS]
    return OTHERS[unknown.index(name) % len(OTHERS)]


def ordered(n: int) -> list[str]:
    """n shades for an ordered quantity, darker for more; up to five are as distinct as COLOURS."""
    return [
        mpl.colors.to_hex(shade) for shade in plt.get_cmap("inferno_r")(np.linspace(0.18, 0.93, n))
    ]


def label(name: str) -> str:
    """A model's name in words."""
    return LABELS.get(name, name.replace("_", " "))


def in_thousands(value: float, _place: int) -> str:
    """A tick's label: 0, 500, 5k, 10k.

    >>> in_thousands(12500.0, 0)
    '12.5k'
    """
    return f"{value / 1000:g}k" if abs(value) >= 1000 else f"{value:g}"


def letter_panels(axes: Iterable[plt.Axes]) -> None:
    """Panels of a column of the report: small print, and (a), (b), … before titles at the left."""
    for letter, axis in zip("abcdef", axes, strict=False):
        title = axis.get_title()
        axis.set_title("")
        axis.set_title(f"({letter}) {title}", loc="left", fontsize=6.5)
        axis.tick_params(labelsize=6, length=2.5, pad=2)
        for one in (axis.xaxis, axis.yaxis):
            one.label.set_size(6.5)
            one.labelpad = 2


def diverged_note(frame: pd.DataFrame) -> str:
    """How many seeds of each model are not drawn because they diverged; empty if none did.

    A seed of each variant of a model counts, where the table says which it is.
    """
    keys = [key for key in ("entry", "model", "seed") if key in frame]
    diverged = frame.loc[frame["status"] == "diverged", keys].drop_duplicates()
    counts = diverged.groupby("model", sort=False).size()
    listed = ", ".join(f"{label(model)}: {n}" for model, n in counts.items())
    return f"diverged seeds, not drawn: {listed}" if listed else ""


def note_diverged(figure: plt.Figure, frame: pd.DataFrame) -> None:
    """Write the ``diverged_note`` below a figure, if there is one."""
    if note := diverged_note(frame):
        figure.supxlabel(note, fontsize=6, color=REFERENCE)


class NothingToDraw(ValueError):
    """A figure's tables hold nothing that it could show. The message says what is missing."""


def drawable(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of seeds that did not diverge. Raises NothingToDraw if there is none."""
    if frame.empty:
        raise NothingToDraw("its table has no row")
    kept = sound(frame) if "status" in frame else frame
    if kept.empty:
        raise NothingToDraw(f"no finished seed; {diverged_note(frame)}")
    return kept


def require_data(tables: Sequence[pd.DataFrame]) -> None:
    """Raise NothingToDraw if a table holds diverged seeds alone, or the first one no row."""
    for place, table in enumerate(tables):
        if place == 0 or len(table):
            drawable(table)


def empty_frame(message: str) -> plt.Figure:
    """A frame without data that says what is missing."""
    figure, axis = plt.subplots(figsize=(PAGE, 1.85))
    axis.set(xticks=[], yticks=[])
    words = fill(f"Nothing to draw: {message}", WIDEST)
    axis.text(0.5, 0.5, words, ha="center", va="center", transform=axis.transAxes)
    return figure


def lay_out(figure: plt.Figure) -> None:
    """Find the place of everything. A logarithmic axis without a number gets a decade to show."""
    for axis in figure.get_axes():
        for name, one in (("x", axis.xaxis), ("y", axis.yaxis)):
            if one.get_scale() == "log" and min(one.get_view_interval()) <= 0:
                axis.set(**{f"{name}lim": (1, 10)})
    figure.draw_without_rendering()


def spread(positions: list[float], distance: float) -> list[float]:
    """Move label positions apart to at least ``distance``, keeping their order.

    >>> spread([0.0, 0.0], 1.0)
    [-0.5, 0.5]
    """
    order = sorted(range(len(positions)), key=positions.__getitem__)
    moved = list(positions)
    for _ in range(200):
        for below, above in pairwise(order):
            overlap = distance - (moved[above] - moved[below])
            if overlap > 0:
                moved[below] -= overlap / 2
                moved[above] += overlap / 2
    return moved


def places_for_labels(axis: plt.Axes, values: list[float], distance: float) -> list[float]:
    """Heights, as fractions of the axes, for labels of these values ``distance`` points apart.

    None stands above the axes, where there are titles, nor below, where there are the numbers of
    the x axis, unless there are too many of them.
    """
    box, gap = axis.get_window_extent(), distance * axis.figure.dpi / 72
    pixels = [float(axis.transData.transform((1, value))[1]) for value in values]
    moved = np.array(spread([min(max(pixel, box.y0), box.y1) for pixel in pixels], gap))
    order, steps = np.argsort(moved, kind="stable"), gap * np.arange(len(moved))
    lowest = np.minimum(moved[order] - steps, box.y1 - steps[-1])  # without the gaps below each
    lowest = np.minimum.accumulate(lowest[::-1])[::-1]
    if len(moved) * gap <= box.height:
        lowest = np.maximum(lowest, box.y0)
    moved[order] = lowest + steps
    return np.round((moved - box.y0) / box.height, PLACES).tolist()


def keep_ends_apart(figure: plt.Figure) -> None:
    """Move the names of ``panels.label_ends`` up and down until none overprints another."""
    for axis in figure.get_axes():
        names = [text for text in axis.texts if str(text.get_gid()).startswith(END)]
        if not names:
            continue
        distance = max(1.3 * t.get_fontsize() * (1 + t.get_text().count("\n")) for t in names)
        heights = [float(t.get_gid().removeprefix(END)) for t in names]
        for text, place in zip(names, places_for_labels(axis, heights, distance), strict=True):
            text.xy = (1.01, place)
            text.set_position(text.xy)
            text.set_gid(None)  # it would stand in an SVG


def settle(figure: plt.Figure) -> None:
    """Lay the figure out and round what is placed, so that the same figure gives the same bytes.

    The solver behind the constrained layout orders its variables by their addresses: the last
    digits of what it finds differ from one process to the next, and a PDF prints ten of them.
    """
    lay_out(figure)
    keep_ends_apart(figure)
    lay_out(figure)
    figure.set_layout_engine("none")
    for part in figure.subfigs:
        part.bbox_relative.p0 = np.round(part.bbox_relative.p0, PLACES) + 0.0  # no -0
        part.bbox_relative.p1 = np.round(part.bbox_relative.p1, PLACES) + 0.0
    for axis in figure.get_axes():
        axis.set_position(np.round(axis.get_position(original=True).bounds, PLACES))


def write_png(figure: plt.Figure, file: Path | BinaryIO, dpi: int | None = None, **texts) -> None:
    """In 256 colours, which look like all of them: a third of the bytes. ``texts``: metadata."""
    drawn, about = BytesIO(), PngInfo()
    figure.savefig(drawn, format="png", dpi=dpi)
    for name, text in texts.items():
        about.add_text(name, text)
    picture = Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    picture.save(file, "png", optimize=True, pnginfo=about)


def save(figure: plt.Figure, folder: Path, name: str, made_from: str) -> None:
    """Write ``{name}.pdf`` and ``{name}.png``; the same figure gives the same bytes.

    ``made_from``, the short id of ``mechanics.study.lineage``, stands in the metadata of both,
    among the keywords of the PDF and as text ``Provenance`` of the PNG.
    """
    settle(figure)
    about = {"CreationDate": None, "Keywords": f"provenance:{made_from}"}
    with atomic(folder / f"{name}.pdf") as part:
        figure.savefig(part, format="pdf", metadata=about)
    with atomic(folder / f"{name}.png") as part:
        write_png(figure, part, Provenance=made_from)
