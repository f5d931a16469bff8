"""What depth buys: risk against context length."""

import matplotlib.pyplot as plt
import pandas as pd

from mechanics.figures import panels, style

THIN = {"linewidth": 0.4, "alpha": 0.7}  # the line of a seed
LAW = {"color": style.REFERENCE, "linewidth": 0.9, "zorder": 1}


def risk_by_context(risks: pd.DataFrame) -> plt.Figure:
    """``risks``: regression_risk."""
    kept = panels.without_arms(style.drawable(risks))
    models, depths = panels.models_of(risks), sorted(kept["n_layers"].unique())
    figure, axes = panels.rows_of_panels(1, len(depths), 2.5, sharey=True)
    bottom = kept[["risk", "risk_median"]].min(axis=None) / 2
    for axis, depth in zip(axes[0], depths, strict=True):
        own = panels.rows_of(kept, n_layers=depth)
        axis.set(yscale="log", xlabel="context length k")
        panels.limits(axis, bottom, 3)
        ends = {
            style.label(m): _risks(axis, panels.rows_of(own, model=m), style.colour(m, models))
            for m in panels.models_of(own)
        }
        ends[f"{depth:.0f} GD step{'s' if depth > 1 else ''}"] = _laws(axis, own, bottom)
        panels.label_ends(axis, ends, fontsize=6.0)
        axis.set_title(_finding(own, int(depth)), fontsize=7)
    axes[0, 0].set_ylabel("risk, MSE / d")
    style.note_diverged(figure, risks)
    return figure


def _risks(axis: plt.Axes, own: pd.DataFrame, shade: str) -> tuple[float, str]:
    panels.each_seed(axis, own, "k", "risk", color=shade, **THIN)
    mean = own.groupby("k")[["risk", "risk_median"]].mean()
    axis.plot(mean.index, mean["risk"], color=shade)
    axis.plot(mean.index, mean["risk_median"], color=shade, linestyle=":", linewidth=0.9)
    return panels.last(mean["risk"]), shade


def _laws(axis: plt.Axes, own: pd.DataFrame, bottom: float) -> tuple[float, str]:
    """Theory of one depth, which is the same for every model and seed of it."""
    laws = own.groupby("k")[["gd_free", "mixture_floor", "ols"]].first().clip(lower=bottom / 1e3)
    axis.plot(laws.index, laws["gd_free"], "--", **LAW)
    axis.plot(laws.index, laws["ols"], ":", **LAW)
    shaded = {"color": "0.5", "alpha": 0.15, "lw": 0}
    axis.fill_between(laws.index, laws["gd_free"], laws["mixture_floor"], **shaded)
    return panels.last(laws["gd_free"]), style.REFERENCE


def _finding(own: pd.DataFrame, depth: int) -> str:
    """The best network at the longest k, over as many gradient steps as it has layers."""
    words, longest = f"L = {depth}", own[own["k"] == own["k"].max()]
    medians = longest.groupby("model")["risk"].median().dropna()
    if medians.empty:
        return words
    ratio = medians.min() / longest["gd_free"].iloc[0]
    return f"{words}; at k = {longest['k'].iloc[0]} the best\nhas {ratio:.2g} × the risk of GD"
