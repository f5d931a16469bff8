"""What one layer learns, and what depth adds."""

import matplotlib.pyplot as plt
import pandas as pd

from mechanics.figures import style
from mechanics.figures.panels import label_ends, last, models_of, rows_of, without_arms, write
from mechanics.figures.which_algorithm import draw_filter, second_shortest

ONE_LAYER = ("linear_L1", "softmax_L1")  # drawn where the study has them, else the first two
SHORT = {"linear_L1": "linear", "softmax_L1": "softmax", "deep_L6": "deep"}
LAWS = {"one-step GD": ":", "6-step GD": "-.", "ridge, penalty fitted": "--"}


def one_layer(risks: pd.DataFrame, curves: pd.DataFrame, distances: pd.DataFrame) -> plt.Figure:
    """``risks``: regression_risk; ``curves``: spectral_filter_curves; ``distances``: its table."""
    kept, models = without_arms(style.drawable(risks)), models_of(risks)
    shown = networks(kept)
    figure, axes = plt.subplots(1, 2, figsize=(style.COLUMN, 2.1))
    _risks(axes[0], kept, shown, models)
    _filters(axes[1], style.drawable(curves), distances, shown, models)
    style.letter_panels(axes)
    axes[1].set_title(axes[1].get_title(loc="left"), loc="left", pad=26, fontsize=6.5)
    style.note_diverged(figure, risks)
    return figure


def networks(risks: pd.DataFrame) -> list[str]:
    """Two of one layer, and the deepest, the last of those: the one with MLPs."""
    one, deepest = risks[risks["n_layers"] == 1], risks["n_layers"].max()
    single = models_of(one)
    shown = [name for name in ONE_LAYER if name in single] or single[:2]
    return shown + models_of(risks[risks["n_layers"] == deepest])[-1:] * bool(deepest > 1)


def _risks(axis: plt.Axes, risks: pd.DataFrame, shown: list[str], models: list[str]) -> None:
    axis.set(yscale="log", xlabel="context length k", ylabel="risk, MSE / d")
    ends = {}
    for model in shown:
        by_k, shade = rows_of(risks, model=model).groupby("k")["risk"], style.colour(model, models)
        mean = by_k.mean()
        bars = [mean - by_k.min(), by_k.max() - mean]
        axis.errorbar(mean.index, mean, bars, color=shade, marker="o", ms=1.8, lw=1.2)
        ends[SHORT.get(model, style.label(model))] = last(mean), shade
    first, deepest = (rows_of(risks, model=model) for model in (shown[0], shown[-1]))
    depth = deepest["n_layers"].iloc[0]
    laws = [(first, "one_step_mixture", "--", "one step")] if first["n_layers"].iloc[0] == 1 else []
    laws += [(deepest, "gd_free_at_k", ":", f"{depth:.0f} steps")] * bool(depth > 1)
    for own, column, look, name in laws:
        law = own.groupby("k")[column].first()
        # black and on top: one linear layer lies on its law
        axis.plot(law.index, law, color="black", linestyle=look, linewidth=0.8, zorder=4)
        ends[name] = (last(law), "black")
    linear = first.dropna(subset="c_hat")
    ratio = linear["risk"] / linear["one_step_mixture"]
    words = f"linear / law: {ratio.min():.2f}–{ratio.max():.2f}"
    axis.set_title(words if ratio.notna().any() else "risk")
    label_ends(axis, ends, fontsize=6.0)


def _filters(
    axis: plt.Axes,
    curves: pd.DataFrame,
    distances: pd.DataFrame,
    shown: list[str],
    models: list[str],
) -> None:
    k = second_shortest(curves)
    for place, model in enumerate(shown):
        own = rows_of(curves, model=model, k=k)
        if own.empty:
            continue
        draw_filter(axis, own, models, laws=False)
        names = ", ".join(rows_of(distances, model=model, k=k, nearest=True)["algorithm"])
        words = SHORT.get(model, style.label(model))
        words += f": {names.replace('softmax kernel', 'kernel')}"
        above = {"va": "bottom", "annotation_clip": False, "color": style.colour(model, models)}
        write(axis, words, (0, 1.0), (0, 16 - 8 * place), **above)
    laws = rows_of(curves, model=shown[-1], k=k)  # its own fitted penalty
    means = laws.groupby(["algorithm", "bin"])[["eigenvalue", "filter"]].mean()
    for name, dashes in LAWS.items():
        if name in means.index:
            line, look = means.loc[name], {"color": style.REFERENCE, "linestyle": dashes}
            axis.plot(line["eigenvalue"], line["filter"], linewidth=0.8, zorder=1, **look)
            at, beside = line.iloc[-1], {"on": "data", "ha": "left", "va": "center"}
            write(axis, name.removesuffix(", penalty fitted"), tuple(at), (3, 0), **beside)
    axis.set(ylim=(-0.05, 1.45), xlabel="eigenvalue of XᵀX/k", ylabel="share of w kept")
    axis.set_title(f"nearest at k = {k}")
