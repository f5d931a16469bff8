"""Risk against context length.

Normalised risk on held-out prompts against context length: means over seeds, bars spanning all of
them; coloured dots are medians over prompts. One layer stays at the best single gradient step for
all trained k together, and does not approach least squares, whose risk is zero from k = d on;
linear layers with and without room for more dimensions hide one another and are shown over that law
beside it (band: twice the standard error of the prompts, which all share). Dashed beside the
networks of several layers: as many free steps of gradient descent, their sizes the best for all k
together.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechanics.figures.panels import label_ends, last, level, limits, models_of, with_bars, write
from mechanics.figures.style import PAGE, REFERENCE, colour, label, note_diverged
from mechanics.tables.frames import sound

PANELS = {"one layer": False, "several layers": True}
LAWS = {
    "one_step_optimum": ("best step at each k", ":"),
    "one_step_mixture": ("best step for all k", "--"),
}


def regression_risk_by_context(risks: pd.DataFrame) -> Figure:
    """``risks``: regression_risk. Dotted lines of a network's colour are medians over prompts.

    Linear networks of one layer lie upon each other: where there are several, the first stands for
    all, and a panel of its own shows each over the law of the best step for all k.
    """
    models = models_of(risks)
    panels = {
        title: own
        for title, deep in PANELS.items()
        if len(own := risks[(risks["n_layers"] > 1) == deep])
    }
    single = sound(risks[(risks["n_layers"] == 1) & risks["c_hat"].notna()])
    alike = models_of(single)
    n_panels = len(panels) + (len(alike) > 1)
    size = (PAGE * max(n_panels / 2, 1), 3.2)
    figure, axes = plt.subplots(1, n_panels, figsize=size, squeeze=False)
    axes = list(axes[0])
    if len(alike) > 1:
        _over_law(axes.pop(1), single, alike, models)
    for axis, (title, own) in zip(axes, panels.items(), strict=True):
        axis.set(title=title, xlabel="context length k, pairs", yscale="log")
        kept = sound(own)
        ends = {}
        for model in models_of(kept):
            if model not in alike[1:]:
                shade = colour(model, models)
                ends[label(model)] = _network(axis, kept[kept["model"] == model], shade), shade
        if PANELS[title]:
            for n_layers, part in own.groupby("n_layers"):
                ends[f"{n_layers} GD steps"] = _level(axis, part, "gd_free", "--")
        else:
            for column, (name, style) in LAWS.items():
                ends[name] = _level(axis, own, column, style)
        _least_squares(axis, own)
        limits(axis, 0.5 * kept["risk_median"].min(), 1.3 * kept["risk"].max())
        label_ends(axis, ends)
    axes[0].set_ylabel("risk, MSE / d")
    note_diverged(figure, risks)
    return figure


def _over_law(axis: Axes, single: pd.DataFrame, alike: list[str], models: list[str]) -> None:
    """Each network's risk over that of the best step for all k, beside each other at every k.

    The band is twice the standard error that the finite number of prompts gives to all alike.
    """
    ends = {}
    ratio = single.assign(ratio=single["risk"] / single["one_step_mixture"])
    apart = 0.2 * np.diff(np.unique(single["k"])).min(initial=single["k"].max())
    for place, model in enumerate(alike):
        by_k = ratio[ratio["model"] == model].groupby("k")["ratio"]
        shift, shade = (place - (len(alike) - 1) / 2) * apart, colour(model, models)
        ends[label(model)] = with_bars(axis, by_k, shade, shift, ms=2.5, linestyle="none"), shade
    error = 2 * (single["risk_se"] / single["one_step_mixture"]).groupby(single["k"]).mean()
    axis.fill_between(error.index, 1 - error, 1 + error, color="0.92", linewidth=0, zorder=0)
    level(axis, 1, linewidth=0.9, zorder=1)
    axis.set(title="one linear layer", xlabel="context length k, pairs")
    axis.set_ylabel("risk / risk of the best step for all k")
    label_ends(axis, ends)


def _network(axis: Axes, own: pd.DataFrame, shade: str) -> float:
    """Draw one network; return its risk at the longest context."""
    end = with_bars(axis, own.groupby("k")["risk"], shade, markersize=2.5)
    median = own.groupby("k")["risk_median"].mean()
    axis.plot(median.index, median, color=shade, linestyle=":", linewidth=0.8)
    return end


def _least_squares(axis: Axes, own: pd.DataFrame) -> None:
    """Crosses where its risk is positive, and in words where it is zero."""
    law = own.groupby("k")["ols"].first()
    axis.plot(law.index[law > 0], law[law > 0], "x", color=REFERENCE, markersize=4)
    if (law == 0).any():
        write(axis, f"OLS: ×, and 0 from k = {law.index[law == 0][0]} on", (0.04, 0.03), size=6.5)


def _level(axis: Axes, own: pd.DataFrame, column: str, style: str) -> tuple[float, str]:
    """A line of theory, the same for all networks; where it ends, and its colour."""
    law = own.groupby("k")[column].first()
    axis.plot(law.index, law, color=REFERENCE, linestyle=style, linewidth=0.9, zorder=3)
    return last(law), REFERENCE
