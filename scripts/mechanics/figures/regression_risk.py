"""Risk of every regression network against context length, beside what theory allows."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechanics.figures.style import PAGE, REFERENCE, colour, label, label_ends, note_diverged
from mechanics.tables import sound

PANELS = {"one layer": False, "several layers": True}
LAWS = {
    "one_step_optimum": ("best step at each k", ":"),
    "one_step_mixture": ("best step for all k", "--"),
}


def regression_risk_by_context(risks: pd.DataFrame) -> Figure:
    """Normalised risk against k, networks of one layer on the left, deeper ones on the right.

    ``risks``: regression_risk.csv. Points are means over seeds, bars span all of them; dotted
    lines of a network's colour are medians over prompts. Ordinary least squares is zero from
    k = d on, which a logarithmic axis does not show.
    """
    models = list(dict.fromkeys(risks["model"]))
    panels = {
        title: own
        for title, deep in PANELS.items()
        if len(own := risks[(risks["n_layers"] > 1) == deep])
    }
    figure, axes = plt.subplots(1, len(panels), figsize=(PAGE, 3.2), squeeze=False)
    for axis, (title, own) in zip(axes[0], panels.items(), strict=True):
        axis.set(title=title, xlabel="context length k, pairs", yscale="log")
        kept = sound(own)
        ends = {}
        for model in dict.fromkeys(kept["model"]):
            line_colour = colour(model, models)
            end = _network(axis, kept[kept["model"] == model], line_colour)
            ends[label(model)] = end, line_colour
        if PANELS[title]:
            for n_layers, part in own.groupby("n_layers"):
                ends[f"{n_layers} GD steps"] = _level(
                    axis, part.groupby("k")["gd_free"].first(), "--"
                )
        else:
            for column, (name, style) in LAWS.items():
                ends[name] = _level(axis, own.groupby("k")[column].first(), style)
        _least_squares(axis, own)
        axis.set_ylim(0.5 * kept["risk_median"].min(), 1.3 * kept["risk"].max())
        label_ends(axis, ends)
    axes[0, 0].set_ylabel("risk, MSE / d")
    note_diverged(figure, risks)
    return figure


def _network(axis: Axes, own: pd.DataFrame, line_colour: str) -> float:
    """Draw one network; return its risk at the longest context."""
    by_k = own.groupby("k")["risk"]
    mean, low, high = by_k.mean(), by_k.min(), by_k.max()
    bars = [mean - low, high - mean]
    axis.errorbar(mean.index, mean, bars, color=line_colour, marker="o", markersize=2.5)
    median = own.groupby("k")["risk_median"].mean()
    axis.plot(median.index, median, color=line_colour, linestyle=":", linewidth=0.8)
    return float(mean.iloc[-1])


def _least_squares(axis: Axes, own: pd.DataFrame) -> None:
    """Crosses where its risk is positive, and in words where it is zero."""
    law = own.groupby("k")["ols"].first()
    positive = law[law > 0]
    axis.plot(positive.index, positive, "x", color=REFERENCE, markersize=4)
    if len(positive) < len(law):
        words = f"OLS: ×, and 0 from k = {law.index[law == 0][0]} on"
        axis.annotate(words, (0.04, 0.03), xycoords="axes fraction", color=REFERENCE, fontsize=6.5)


def _level(axis: Axes, law: pd.Series, style: str) -> tuple[float, str]:
    """A line of theory; where it ends, and its colour."""
    axis.plot(law.index, law, color=REFERENCE, linestyle=style, linewidth=0.9, zorder=0)
    return float(law.iloc[-1]), REFERENCE
