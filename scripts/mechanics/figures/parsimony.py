"""How few suffice.

How few frequencies and neurons suffice: accuracy and least margin over all pairs against the
number kept, ranked and at random, beside ideal sums of cosines.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from mechanics.figures.panels import each_seed, models_of, rows_of_panels, write
from mechanics.figures.style import REFERENCE, colour, drawable, label, note_diverged

COLUMNS = {"accuracy": "accuracy", "min_margin": "least margin, logits"}
LEGEND = {  # style of the entries below the figure
    "by importance": {"color": "0.2", "linestyle": "-"},
    "neurons in random order": {"color": "0.2", "linestyle": "-", "alpha": 0.3},
    "key frequencies": {"color": "0.2", "marker": "o", "mfc": "white", "linestyle": "none"},
    "as many random others": {"color": REFERENCE, "marker": "x", "linestyle": "none"},
    "ideal formula, fitted α": {"color": REFERENCE, "linestyle": "--"},
    "equal α, typical frequencies": {"color": REFERENCE, "linestyle": ":"},
    "equal α, best frequencies": {"color": REFERENCE, "linestyle": "-."},
}
LEAST_RANGE = 10  # frequencies on the axis at least; twice the keys if these are more


def parsimony(table: pd.DataFrame) -> Figure:
    """``table``: the table of this name; a row per model.

    Lines are seeds; a circle is |K| of a seed, a cross as many random other frequencies, pale lines
    neurons in random order. Dashed: the ideal formula with the fitted amplitudes of the same
    frequencies. Dotted: n equal amplitudes with the keys' total, the median choice of frequencies;
    dash-dotted: the best of a thousand. One frequency of the formula is enough to be right, with a
    tiny margin. Grey lines are medians over seeds.
    """
    frame = drawable(table)
    models = models_of(frame)
    figure, axes = rows_of_panels(len(models), 4, 1.6, 1.0)
    for row, model in zip(axes, models, strict=True):
        own, shade = frame[frame["model"] == model], colour(model, models)
        for axis, column in zip(row[:2], COLUMNS, strict=True):
            _frequency_panel(axis, own, column, shade)
        for axis, column in zip(row[2:], COLUMNS, strict=True):
            _neuron_panel(axis, own, column, shade)
        for axis, words in zip(row, [*COLUMNS.values()] * 2, strict=True):
            axis.set_ylabel(words)
        row[0].set_title(label(model), color=shade, loc="left", fontweight="bold")
    for column, words in zip(axes.T, ["frequencies kept"] * 2 + ["neurons kept"] * 2, strict=True):
        drawn = [axis for axis in column if axis.axison]
        if drawn:
            drawn[-1].set_xlabel(words)
    handles = [Line2D([], [], label=words, ms=4, **own) for words, own in LEGEND.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False)
    note_diverged(figure, table)
    return figure


def _frequency_panel(axis: Axes, own: pd.DataFrame, column: str, shade: str) -> None:
    keys = own[(own["kind"] == "keys_only") & (own["n"] > 0)]
    everything = int(own["n"].where(own["kind"] == "frequencies", 0).max())
    most = max(LEAST_RANGE, 2 * int(keys["n"].max())) if len(keys) else everything
    axis.set_xlim(-0.3, min(most, everything) + 0.3)
    seen = own[own["n"] <= most]
    each_seed(axis, seen[seen["kind"] == "frequencies"], "n", column, color=shade, linewidth=0.9)
    axis.plot(keys["n"], keys[column], "o", color=shade, ms=4, mfc="white", zorder=3)
    random = own[(own["kind"] == "random_frequencies") & (own["n"] > 0)]
    axis.plot(random["n"], random[column], "x", color=REFERENCE, ms=3.5, mew=0.7)
    drawn = [("ideal", "--")]
    if column == "min_margin":
        drawn += [("equal_median", ":"), ("equal_best", "-.")]
    for kind, style in drawn:
        middle = seen[(seen["kind"] == kind) & (seen["n"] > 0)].groupby("n")[column].median()
        axis.plot(middle.index, middle, style, color=REFERENCE, linewidth=0.9, zorder=1)
    if column == "accuracy":
        axis.set_ylim(-0.05, 1.08)
    if keys.empty:
        write(axis, "no key\nfrequencies", (0.97, 0.06), ha="right")
    axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def _neuron_panel(axis: Axes, own: pd.DataFrame, column: str, shade: str) -> None:
    known = own[own["n"] > 0].dropna(subset=column)
    for kind, alpha in (("neurons_random", 0.3), ("neurons", 1.0)):
        for _, line in known[known["kind"] == kind].groupby(["seed", "draw"]):
            axis.plot(line["n"], line[column], color=shade, alpha=alpha, linewidth=0.9)
    axis.set_xscale("log")
    if column == "accuracy":
        axis.set_ylim(-0.05, 1.08)
    neurons = known[known["kind"] == "neurons"]
    if neurons.empty:
        write(axis, "W_L does not\ngive the logits", (0.97, 0.06), ha="right")
        axis.set_axis_off()
        return
    axis.set_xlim(1, neurons["n"].max() * 1.1)
