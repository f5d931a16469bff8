"""One style for all figures: sizes, fonts, colours. Colours are Okabe & Ito's, safe for the
colour-blind; a model or a reference has the same colour in every figure."""

from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import seaborn as sns
from matplotlib.figure import Figure

from mechanics.training.checkpoint import atomic

COLUMN, PAGE = 3.4, 7.0  # inches: width of one column of the report, and of the page
COLOURS = {
    "linear_L1": "#0072B2",
    "softmax_L1": "#D55E00",
    "softmax_L1_2heads": "#E69F00",
    "linear_L2": "#56B4E9",
    "linear_L3": "#009E73",
    "linear_L6": "#004D40",
    "deep_L6": "#CC79A7",
    "train": "#0072B2",
    "validation": "#D55E00",
}
OTHERS = ["#882255", "#44AA99", "#999933", "#332288", "#AA4499"]  # models that a user adds
REFERENCE = "0.35"  # theory is drawn in grey, dashed
LABELS = {
    "linear_L1": "linear, 1 layer",
    "softmax_L1": "softmax, 1 layer",
    "softmax_L1_2heads": "softmax, 2 heads",
    "linear_L2": "linear, 2 layers",
    "linear_L3": "linear, 3 layers",
    "linear_L6": "linear, 6 layers",
    "deep_L6": "deep, 6 layers",
}


def use_style() -> None:
    sns.set_theme(
        style="ticks",
        context="paper",
        rc={
            "font.size": 8,
            "axes.titlesize": 8,
            "axes.labelsize": 8,
            "xtick.labelsize": 7,
            "ytick.labelsize": 7,
            "legend.fontsize": 7,
            "lines.linewidth": 1.2,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.dpi": 150,
            "savefig.dpi": 200,
            "pdf.fonttype": 42,  # text stays text
            "svg.hashsalt": "transformer-mechanics",
            "figure.constrained_layout.use": True,
        },
    )
    mpl.use("Agg")


def colour(name: str, names: list[str] = ()) -> str:
    """The colour of a model; one that the study's own table lacks takes the next free colour."""
    if name in COLOURS:
        return COLOURS[name]
    unknown = [other for other in names if other not in COLOURS]
    return OTHERS[unknown.index(name) % len(OTHERS)]


def label(name: str) -> str:
    """A model's name in words."""
    return LABELS.get(name, name.replace("_", " "))


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


def save(figure: Figure, folder: Path, name: str) -> None:
    """Write ``{name}.pdf`` and ``{name}.png``; the same figure gives the same bytes."""
    for kind, metadata in (("pdf", {"CreationDate": None}), ("png", {"Software": None})):
        with atomic(folder / f"{name}.{kind}") as part:
            figure.savefig(part, format=kind, metadata=metadata)
