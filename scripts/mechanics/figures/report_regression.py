"""Track A in the report.

Track A as the report shows it: risk of one layer and of the deepest networks beside their laws; the
effective weights of the linear layer over training, with the null; the deepest network's distance
to three algorithms.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechanics.figures.style import (
    OTHERS,
    REFERENCE,
    colour,
    label,
    label_ends,
    letter_panels,
    strip_of_panels,
)
from mechanics.tables.frames import sound

# Drawn where the study has them; the first, wide and pale, lies below the second.
ONE_LAYER = ("softmax_L1_2heads", "linear_L1", "softmax_L1")
ALGORITHMS = {"OLS": "black", "6-step GD, tuned at k": OTHERS[0], "one-step GD": OTHERS[1]}


def report_regression(
    risks: pd.DataFrame, weights: pd.DataFrame, algorithms: pd.DataFrame
) -> Figure:
    """(a) risk against k beside its laws, (b) correlation of the effective weights over training,
    (c) distance of the deepest network's predictions to three algorithms.

    ``risks``, ``weights``, ``algorithms``: regression_risk, effective_weights, algorithm_match.
    """
    figure, axes = strip_of_panels(3, [1.15, 1.0, 1.0])
    _risk_panel(axes[0], risks)
    _weights_panel(axes[1], weights)
    _distance_panel(axes[2], algorithms, _deepest(risks))
    letter_panels(axes)
    return figure


def _deepest(risks: pd.DataFrame) -> str:
    """The model of most layers, the last of them: where there are several, the one with MLPs."""
    return risks[risks["n_layers"] == risks["n_layers"].max()]["model"].iloc[-1]


def _risk_panel(axis: Axes, risks: pd.DataFrame) -> None:
    axis.set(yscale="log", xlabel="context length k, pairs", ylabel="risk, MSE / d")
    ends = {}
    one_layer, deep = risks[risks["n_layers"] == 1], risks[risks["n_layers"] > 1]
    models = list(dict.fromkeys(one_layer["model"]))
    for model in [name for name in ONE_LAYER if name in models] or models:
        ends[label(model)] = _mean_line(axis, sound(one_layer), model)
    for model in dict.fromkeys(deep["model"]):
        if deep.loc[deep["model"] == model, "n_layers"].iloc[0] == deep["n_layers"].max():
            ends[label(model)] = _mean_line(axis, sound(deep), model)
    laws = {"best step for all k": (one_layer, "one_step_mixture", "--")}
    if len(deep):
        deepest = deep[deep["model"] == _deepest(risks)]
        laws[f"best {deep['n_layers'].max()} GD steps"] = (deepest, "gd_free_at_k", ":")
    for name, (own, column, style) in laws.items():
        law = own.groupby("k")[column].first()
        # black and on top: one linear layer lies on its law
        axis.plot(law.index, law, color="black", linestyle=style, linewidth=0.8, zorder=4)
        ends[name] = (float(law.iloc[-1]), "black")
    label_ends(axis, ends, fontsize=5.5)


def _mean_line(axis: Axes, risks: pd.DataFrame, model: str) -> tuple[float, str]:
    by_k = risks[risks["model"] == model].groupby("k")["risk"]
    mean, shade = by_k.mean(), colour(model)
    bars = [mean - by_k.min(), by_k.max() - mean]
    wide = {"linewidth": 4, "alpha": 0.55} if model == ONE_LAYER[0] else {"linewidth": 1.4}
    axis.errorbar(mean.index, mean, bars, color=shade, marker="o", markersize=1.8, **wide)
    return float(mean.iloc[-1]), shade


def _weights_panel(axis: Axes, weights: pd.DataFrame) -> None:
    """Correlations of the first one-layer linear network; its nulls in grey."""
    model = weights["model"].iloc[0]
    own = sound(weights[(weights["model"] == model) & (weights["step"] >= 1)])
    ends = {}
    for column, name, shade in (
        ("correlation_gd", "with W$_{GD}$", colour(model)),
        ("correlation_ols", "with OLS", OTHERS[2]),
    ):
        by_step = own.groupby("step")[column]
        middle = by_step.median()
        axis.plot(middle.index, middle, color=shade)
        axis.fill_between(middle.index, by_step.min(), by_step.max(), color=shade, alpha=0.2, lw=0)
        ends[name] = (float(middle.iloc[-1]), shade)
    for column, name in (("correlation_null", "w itself"), ("correlation_shuffled", "shuffled y")):
        level = float(own[own["step"] == own["step"].max()][column].median())
        axis.axhline(level, color=REFERENCE, linestyle="--", linewidth=0.8)
        ends[name] = (level, REFERENCE)
    axis.set(xscale="log", xlabel="training step", ylabel="correlation of ∂ŷ/∂x")
    axis.set_title(label(model))
    label_ends(axis, ends, fontsize=5.5)


def _distance_panel(axis: Axes, algorithms: pd.DataFrame, model: str) -> None:
    own = algorithms[algorithms["model"] == model]
    ends = {}
    for name, shade in ALGORITHMS.items():
        line = own[own["algorithm"] == name].sort_values("k")
        axis.plot(line["k"], line["preds_diff"], ".-", color=shade, ms=3)
        ends[name] = (float(line["preds_diff"].iloc[-1]), shade)
    axis.set(yscale="log", xlabel="context length k, pairs", ylabel="distance, E|ŷ − ŷ'|")
    axis.set_title(label(model))
    label_ends(axis, ends, fontsize=5.5)
