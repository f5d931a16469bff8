"""What depth buys.

Above: the risk of trained networks of 1, 2, 3 and 6 layers between gradient descent of as many
steps and the best polynomial of degree (3^L − 1)/2, which bounds any L layers of linear attention.
Below: risk of a linear probe on the stream after each layer, and how many steps of gradient descent
or Newton's iteration that is worth. At k = 5 a network may lie above free steps that are best for
the mixture of k.
"""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from mechanics.figures.layer_panels import THIN, UNTRAINED, layer_row, write_names
from mechanics.figures.panels import each_seed, limits, models_of
from mechanics.figures.style import PAGE, REFERENCE, NothingToDraw, colour, drawable, label
from mechanics.tables.frames import sound

# Not of depth: what else varies in one layer. Networks that a user adds are drawn.
LEFT_OUT = ("softmax_L1", "softmax_L1_2heads", "linear_L1_axis", "linear_L1_subspace")
LEVELS = {  # column of the frame of risks: name, dashes
    "gd_tied": ("GD, one step size", (0, (1, 1))),
    "gd_free": ("GD, free step sizes", (0, (4, 2))),
    "gd_free_at_k": ("GD, free, best at this k", (0, (7, 2, 1, 2))),
    "gd_plus_plus": ("GD++", (0, (4, 1, 1, 1, 1, 1))),
    "mixture_floor": ("best polynomial for all k", (0, (9, 2, 1, 2))),
    "polynomial_floor": ("best at this k, of degree $(3^L-1)/2$", (0, (9, 2))),
    "ols": ("OLS (0 for k ≥ d)", (0, (2, 1))),
}


def depth_bracket(risks: pd.DataFrame, layers: pd.DataFrame) -> Figure:
    """``risks``: regression_risk; ``layers``: layer_readout.

    Above, a panel per depth L: thick, the mean over seeds; thin, every seed; dotted, the median
    over prompts; shaded, from the best L steps of gradient descent for all k to the best
    polynomial. Below, for the deepest networks at their three longest measured k: the risk of a
    linear probe beside levels of gradient descent, and the steps of equal risk at the k between.
    Where a number of steps is infinite a triangle stands at the upper edge.
    """
    risks = risks[~risks["model"].isin(LEFT_OUT)]
    drawable(risks)
    present = models_of(risks)
    deepest = risks.loc[risks["n_layers"] == risks["n_layers"].max(), "model"]
    layers = layers[layers["model"].isin(deepest)]
    if layers.empty:
        raise NothingToDraw(f"no layers of any of {', '.join(sorted(set(deepest)))}")
    figure = plt.figure(figsize=(PAGE, 5.7))
    upper, lower = figure.subfigures(2, 1, height_ratios=[1.12, 1])
    _bracket_row(upper, risks, present)
    layer_row(lower, layers, risks, [model for model in present if model in set(deepest)])
    return figure


def _bracket_row(part: SubFigure, risks: pd.DataFrame, models: list[str]) -> None:
    depths = sorted(risks["n_layers"].unique())
    axes = part.subplots(1, len(depths), sharex=True, sharey=True, squeeze=False)[0]
    bottom = sound(risks)[["risk", "risk_median"]].min(axis=None) / 2
    for axis, depth in zip(axes, depths, strict=True):
        own = risks[risks["n_layers"] == depth]
        axis.set_yscale("log")
        limits(axis, bottom, 5)
        _levels(axis, own, bottom)
        names = [model for model in models if model in set(own["model"])]
        for model in names:
            _risk_lines(axis, sound(own[own["model"] == model]), colour(model, models))
        write_names(axis, {_name(m, own): colour(m, models) for m in names}, upper=True)
        axis.set_title(f"L = {depth:.0f} layer{'s' if depth > 1 else ''}")
        axis.set_xlabel("context length k")
    axes[0].set_ylabel("risk, MSE / d")
    part.legend(
        handles=_legend(), loc="outside upper center", ncols=3, frameon=False, handlelength=3.2
    )


def _legend() -> list[Artist]:
    levels = [
        Line2D([], [], color=REFERENCE, linestyle=dashes, linewidth=0.9, label=name)
        for name, dashes in LEVELS.values()
    ]
    bracket = "the bracket: free GD to best polynomial"
    return [
        *levels,
        Line2D([], [], color="black", label="network, mean (thin: each seed)"),
        Line2D([], [], color="black", **UNTRAINED, label="median over prompts"),
        Patch(color="0.5", alpha=0.15, linewidth=0, label=bracket),
    ]


def _levels(axis: Axes, own: pd.DataFrame, bottom: float) -> None:
    """Theory of one depth, which is the same for every model and seed of it."""
    levels = own.groupby("k")[list(LEVELS)].first()
    visible = levels.clip(lower=bottom / 1e3)  # a log axis has no 0
    for column, (_, dashes) in LEVELS.items():
        style = {"color": REFERENCE, "linestyle": dashes, "linewidth": 0.9, "zorder": 1}
        axis.plot(visible.index, visible[column], label=column, **style)
    ends = visible["gd_free"], visible["polynomial_floor"]
    axis.fill_between(visible.index, *ends, color="0.5", alpha=0.15, lw=0)


def _risk_lines(axis: Axes, own: pd.DataFrame, shade: str) -> None:
    each_seed(axis, own, "k", "risk", color=shade, **THIN)
    mean = own.groupby("k")[["risk", "risk_median"]].mean()
    axis.plot(mean.index, mean["risk"], color=shade, label="mean")
    axis.plot(mean.index, mean["risk_median"], color=shade, **UNTRAINED, label="median")


def _name(model: str, own: pd.DataFrame) -> str:
    """The model in words, with how many of its seeds are not drawn."""
    seeds = own[own["model"] == model].groupby("seed")["status"].first()
    lost = int((seeds == "diverged").sum())
    return label(model) + (f" ({lost} of {len(seeds)} seeds diverged)" if lost else "")
