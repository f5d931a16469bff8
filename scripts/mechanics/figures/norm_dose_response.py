"""Norm, temperature and ε.

When a network groks whose weight matrices are held at a multiple of their initial norm, and how
many key frequencies its circuit has, for each temperature of the training loss and each ε of Adam.
Open: runs that did not grok, at their last step; crosses: those that stalled.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from mechanics.figures.panels import rows_of_panels
from mechanics.figures.style import OTHERS, NothingToDraw, drawable, note_diverged

ALL_ARMS = True  # not the main configurations alone
APART = 0.012  # of the norm factor, between the values of ε
MARKERS = {"grokked": "o", "censored": "o", "stalled": "x"}


def norm_dose_response(norm_dose: pd.DataFrame) -> Figure:
    """The table of this name. A column for each temperature; a dot is a seed."""
    held = norm_dose[norm_dose["arm"] == "held_norm"]
    runs = drawable(held)
    runs = runs[runs["model"] == runs["model"].iloc[0]]
    temperatures = sorted(runs["temperature"].unique())
    colours = epsilon_colours(runs)
    figure, axes = rows_of_panels(2, len(temperatures), 1.9, 0.5, sharex=True, sharey="row")
    for column, temperature in zip(axes.T, temperatures, strict=True):
        for place, (epsilon, shade) in enumerate(colours.items()):
            own = runs[(runs["temperature"] == temperature) & (runs["epsilon"] == epsilon)]
            own = own.assign(x=own["norm_factor"] * (1 + APART * (place - (len(colours) - 1) / 2)))
            ends(column[0], own, "x", shade)
            grokked = own[own["status"] == "grokked"]
            column[1].plot(grokked["x"], grokked["n_keys"], "o", color=shade, ms=3.5, alpha=0.8)
        column[0].set_title(f"logits divided by {temperature:g}")
        column[1].set_xlabel("norm held, of the initial one")
    axes[0, 0].set(yscale="log", ylabel="grokking step")
    axes[1, 0].set_ylabel("key frequencies\nof those that grokked")
    axes[1, 0].yaxis.set_major_locator(MaxNLocator(integer=True))
    legend(figure, colours)
    note_diverged(figure, held)
    return figure


def epsilon_colours(runs: pd.DataFrame) -> dict[float, str]:
    """A colour for each ε, the largest first. Raises NothingToDraw if there is none."""
    found = sorted(runs["epsilon"].dropna().unique(), reverse=True)
    if not found:
        raise NothingToDraw("no run has a known ε")
    return {epsilon: OTHERS[place % len(OTHERS)] for place, epsilon in enumerate(found)}


def ends(axis: Axes, runs: pd.DataFrame, x: str, shade: str) -> None:
    """When each run grokked: filled; or ended without: open, or a cross if it stalled."""
    for status, marker in MARKERS.items():
        own = runs[runs["status"] == status]
        y = own["grokking_step"] if status == "grokked" else own["last_step"]
        face = shade if status == "grokked" else "none"
        axis.plot(own[x], y, marker, color=shade, mfc=face, ms=3.5, alpha=0.8)


def legend(figure: Figure, colours: dict[float, str]) -> None:
    """What the colours and markers of ``ends`` mean, below the panels."""
    named = {f"ε = {epsilon:g}": (shade, "o", shade) for epsilon, shade in colours.items()}
    named |= {"not grokked in its budget": ("0.2", "o", "none"), "stalled": ("0.2", "x", "none")}
    handles = [
        Line2D([], [], label=words, color=shade, marker=marker, mfc=face, ms=4, linestyle="none")
        for words, (shade, marker, face) in named.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False)
