"""Track A in the report.

Track A as the report shows it: risk of one layer and of the deepest networks beside their laws; the
effective weights of the linear layer over training, with the null; the deepest network's distance
to three algorithms.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechanics.figures.panels import label_ends, last, level, models_of, with_bars, with_range
from mechanics.figures.style import OTHERS, REFERENCE, colour, label, letter_panels, strip_of_panels
from mechanics.tables.frames import sound

# Drawn where the study has them; the first, wide and pale, lies below the second.
ONE_LAYER = ("softmax_L1_2heads", "linear_L1", "softmax_L1")
ALGORITHMS = {"OLS": "black", "6-step GD, tuned at k": OTHERS[0], "one-step GD": OTHERS[1]}


def report_regression(
    risks: pd.DataFrame, weights: pd.DataFrame, algorithms: pd.DataFrame
) -> Figure:
    """The tables: regression_risk, effective_weights and algorithm_match."""
    figure, axes = strip_of_panels(3, [1.15, 1.0, 1.0])
    models, deepest = models_of(risks), _deepest(risks)
    _risk_panel(axes[0], risks, models)
    _weights_panel(axes[1], weights, models)
    _distance_panel(axes[2], algorithms[algorithms["model"] == deepest], label(deepest))
    letter_panels(axes)
    return figure


def _deepest(risks: pd.DataFrame) -> str:
    """The model of most layers, the last of them: where there are several, the one with MLPs."""
    return risks[risks["n_layers"] == risks["n_layers"].max()]["model"].iloc[-1]


def _risk_panel(axis: Axes, risks: pd.DataFrame, models: list[str]) -> None:
    axis.set(yscale="log", xlabel="context length k, pairs", ylabel="risk, MSE / d")
    one_layer, deep = risks[risks["n_layers"] == 1], risks[risks["n_layers"] > 1]
    single = models_of(one_layer)
    drawn = [name for name in ONE_LAYER if name in single] or single
    drawn += models_of(deep[deep["n_layers"] == deep["n_layers"].max()])
    ends, kept = {}, sound(risks)
    for model in drawn:
        by_k, shade = kept[kept["model"] == model].groupby("k")["risk"], colour(model, models)
        wide = {"linewidth": 4, "alpha": 0.55} if model == ONE_LAYER[0] else {"linewidth": 1.4}
        ends[label(model)] = with_bars(axis, by_k, shade, markersize=1.8, **wide), shade
    laws = {"best step for all k": (one_layer, "one_step_mixture", "--")}
    if len(deep):
        deepest = deep[deep["model"] == _deepest(risks)]
        laws[f"best {deep['n_layers'].max()} GD steps"] = (deepest, "gd_free_at_k", ":")
    for name, (own, column, style) in laws.items():
        law = own.groupby("k")[column].first()
        # black and on top: one linear layer lies on its law
        axis.plot(law.index, law, color="black", linestyle=style, linewidth=0.8, zorder=4)
        ends[name] = (last(law), "black")
    label_ends(axis, ends, fontsize=5.5)


def _weights_panel(axis: Axes, weights: pd.DataFrame, models: list[str]) -> None:
    """Correlations of the first one-layer linear network; its nulls in grey."""
    model = weights["model"].iloc[0]
    own = sound(weights[(weights["model"] == model) & (weights["step"] >= 1)])
    ends = {}
    for column, name, shade in (
        ("correlation_gd", "with W$_{GD}$", colour(model, models)),
        ("correlation_ols", "with OLS", OTHERS[2]),
    ):
        ends[name] = with_range(axis, own.groupby("step")[column], shade), shade
    for column, name in (("correlation_null", "w itself"), ("correlation_shuffled", "shuffled y")):
        height = float(own[own["step"] == own["step"].max()][column].median())
        level(axis, height)
        ends[name] = (height, REFERENCE)
    axis.set(xscale="log", xlabel="training step", ylabel="correlation of ∂ŷ/∂x")
    axis.set_title(label(model))
    label_ends(axis, ends, fontsize=5.5)


def _distance_panel(axis: Axes, own: pd.DataFrame, title: str) -> None:
    ends = {}
    for name, shade in ALGORITHMS.items():
        line = own[own["algorithm"] == name].sort_values("k")
        axis.plot(line["k"], line["preds_diff"], ".-", color=shade, ms=3)
        ends[name] = (last(line["preds_diff"]), shade)
    axis.set(yscale="log", xlabel="context length k, pairs", ylabel="distance, E|ŷ − ŷ'|")
    axis.set_title(title)
    label_ends(axis, ends, fontsize=5.5)
