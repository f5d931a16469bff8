"""Which algorithm? The spectral filter.

How much of w each network keeps along an eigenvector of S = XᵀX/k, by its eigenvalue, beside the
filters of algorithms: one step is a line, more steps a polynomial that overshoots, ridge shrinks
ever less, least squares keeps all. Nothing is fitted but ridge's penalty, on other prompts. Lines
with points: mean over seeds; thin: each seed. In the corner: the nearest algorithm, the distance
of its filter (root mean square), and the share of the effective weights that no filter explains.
"""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechanics.figures.panels import each_seed, models_of, write
from mechanics.figures.style import PAGE, REFERENCE, colour, drawable, label
from mechanics.regression.filters import FITTED_RIDGE

SHOWN = {  # dashes of the algorithms that are drawn in every panel
    "one-step GD": ":",
    "6-step GD": "-.",
    "6-step Newton": (0, (5, 1)),
    FITTED_RIDGE: "--",
    "OLS": (0, (1, 3)),
}
LEFT_OUT = ("linear_L1_axis", "linear_L1_subspace")  # one linear layer as linear_L1 is


def spectral_filter(curves: pd.DataFrame, distances: pd.DataFrame) -> Figure:
    """``curves``: spectral_filter_curves; ``distances``: spectral_filter. A panel per network.

    Drawn at one context length: the second shortest, where the algorithms differ most.
    """
    curves = drawable(curves[~curves["model"].isin(LEFT_OUT)])
    k = sorted(curves["k"].unique())[:2][-1]
    models = models_of(curves)
    columns = min(4, len(models))
    rows = -(-len(models) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(PAGE, 0.5 + 2.1 * rows), squeeze=False, sharex=True, sharey=True
    )
    for axis in axes.flat[len(models) :]:
        axis.set_visible(False)
    for axis, model in zip(axes.flat, models, strict=False):
        own = curves[(curves["model"] == model) & (curves["k"] == k)]
        near = distances[(distances["model"] == model) & (distances["k"] == k)]
        _panel(axis, own, colour(model, models))
        axis.set_title(label(model))
        for row in near[near["nearest"]].itertuples():
            words = f"{row.algorithm}\n{row.distance:.3f}; unexplained {row.unexplained:.1%}"
            write(axis, words, (0.97, 0.04), ha="right", va="bottom", size=5.5)
    for axis in axes[:, 0]:
        axis.set_ylabel(f"share of w kept, k = {k}")
    for axis in axes[-1]:
        axis.set_xlabel("eigenvalue s of S")
    figure.legend(
        *axes[0, 0].get_legend_handles_labels(),
        loc="outside upper center",
        ncols=6,
        frameon=False,
    )
    return figure


def _panel(axis: Axes, own: pd.DataFrame, shade: str) -> None:
    axis.set_xscale("log")
    axis.set_ylim(-0.05, 1.45)
    means = own.groupby(["algorithm", "bin"])[["eigenvalue", "filter"]].mean()
    for name, dashes in SHOWN.items():
        if name in means.index:
            line = means.loc[name]
            axis.plot(
                *(line[c] for c in ("eigenvalue", "filter")),
                color=REFERENCE,
                linestyle=dashes,
                linewidth=0.9,
                label=name,
            )
    network = own[own["algorithm"] == "network"]
    each_seed(axis, network, "eigenvalue", "filter", color=shade, linewidth=0.5)
    line = means.loc["network"]
    axis.plot(line["eigenvalue"], line["filter"], "o-", color=shade, markersize=3, label="network")
