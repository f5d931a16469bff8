"""Which algorithm does each network compute?"""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.colors import LogNorm

from mechanics.figures.panels import NOISY, each_seed, models_of, rows_of, without_arms, write
from mechanics.figures.style import PAGE, REFERENCE, NothingToDraw, colour, drawable, label

FILTERS = {  # dashes of the algorithms that are drawn in every panel
    "one-step GD": ":",
    "6-step GD": "-.",
    "6-step Newton": (0, (4, 1, 1, 1, 1, 1)),
    "ridge, penalty fitted": "--",
    "OLS": (0, (1, 3)),
}
ROWS = (
    *("zero", "averaging", "softmax kernel smoother", "one-step GD", "2-step GD", "3-step GD"),
    *("6-step GD", "6-step Newton", "ridge", "OLS"),
)
COLUMNS, LENGTHS = 4, (10, 20, 50)


def which_algorithm(
    curves: pd.DataFrame, distances: pd.DataFrame, match: pd.DataFrame
) -> plt.Figure:
    """``curves``: spectral_filter_curves; ``distances``: spectral_filter; ``match``: its table.

    Filters are drawn at the second shortest k, where the algorithms differ most.
    """
    curves, match = without_arms(drawable(curves), NOISY), without_arms(match)
    if curves["filter"].isna().all() and match["preds_diff"].isna().all():
        raise NothingToDraw("no filter of any network was measured")
    k, models = second_shortest(curves), models_of(curves)
    n_rows = -(-len(models) // COLUMNS)
    figure = plt.figure(figsize=(PAGE, 2.9 + 1.75 * n_rows))
    upper, lower = figure.subfigures(2, 1, height_ratios=[1.75 * n_rows + 0.3, 2.6])
    shape = {"squeeze": False, "sharex": True, "sharey": True}
    axes = upper.subplots(n_rows, min(COLUMNS, len(models)), **shape)
    for axis in axes.flat[len(models) :]:
        axis.set_visible(False)
    for axis, model in zip(axes.flat, models, strict=False):
        draw_filter(axis, rows_of(curves, model=model, k=k), models)
        axis.set_title(label(model), fontsize=7)
        for row in rows_of(distances, model=model, k=k, nearest=True).itertuples():
            axis.set_title(f"{label(model)}:\n{row.algorithm}", fontsize=7)
            words = f"off by {row.distance:.3f},\nunexplained {row.unexplained:.1%}"
            write(axis, words, (0.03, 0.97), va="top")
    for axis in axes[:, 0]:
        axis.set_ylabel(f"share of w kept, k = {k}")
    for axis in axes.flat[max(len(models) - axes.shape[1], 0) : len(models)]:  # none is below
        axis.set_xlabel("eigenvalue s of S")
        axis.tick_params(labelbottom=True)
    handles, names = axes[0, 0].get_legend_handles_labels()
    upper.legend(handles, names, loc="outside upper center", ncols=6, frameon=False)
    _matrices(lower, match)
    return figure


def second_shortest(curves: pd.DataFrame) -> int:
    return int(sorted(curves["k"].unique())[:2][-1])


def draw_filter(axis: plt.Axes, own: pd.DataFrame, models: list[str], laws: bool = True) -> None:
    """The filter of one network at one k, beside those of ``FILTERS``."""
    shade = colour(own["model"].iloc[0], models)
    axis.set(xscale="log", ylim=(-0.05, 1.45))
    means = own.groupby(["algorithm", "bin"])[["eigenvalue", "filter"]].mean()
    for name, dashes in FILTERS.items():
        if laws and name in means.index:
            line, style = means.loc[name], {"color": REFERENCE, "linestyle": dashes}
            axis.plot(line["eigenvalue"], line["filter"], linewidth=0.9, label=name, **style)
    network = own[own["algorithm"] == "network"]
    each_seed(axis, network, "eigenvalue", "filter", color=shade, linewidth=0.5)
    if len(network):
        line = means.loc["network"]
        axis.plot(line["eigenvalue"], line["filter"], "o-", color=shade, ms=2.5, label="network")


def _matrices(part, match: pd.DataFrame) -> None:
    """A panel for each of ``LENGTHS``, or the three longest k; algorithms by networks."""
    lengths = [k for k in LENGTHS if k in set(match["k"])] or sorted(match["k"].unique())[-3:]
    axes = part.subplots(1, len(lengths), sharey=True, squeeze=False)[0]
    match = match[match["algorithm"].isin(ROWS)]
    order = [name for name in ROWS if name in set(match["algorithm"])]
    models, known = models_of(match), match["preds_diff"].dropna()
    norm = LogNorm(max(known.min(), 1e-2), known.max()) if len(known) else None
    for axis, k in zip(axes, lengths, strict=False):
        values = rows_of(match, k=k).pivot(index="algorithm", columns="model", values="preds_diff")
        values = values.reindex(index=order, columns=models)
        image = axis.imshow(values, norm=norm, cmap="viridis", aspect="auto")
        for column, model in enumerate(models):
            if values[model].notna().any():
                row = int(values[model].argmin())
                number = f"{values[model].iloc[row]:.2f}".removeprefix("0")
                tint = "black" if norm and norm(values[model].iloc[row]) > 0.6 else "white"
                write(axis, number, (column, row), on="data", ha="center", va="center", color=tint)
        slanted = {"rotation": 60, "ha": "right", "rotation_mode": "anchor"}
        axis.set_xticks(range(len(models)), [label(m) for m in models], **slanted)
        axis.set_yticks(range(len(order)), order)
        axis.tick_params(labelsize=6, length=0)
        axis.set_title(f"k = {k}")
    bar = part.colorbar(image, ax=axes, shrink=0.8, pad=0.01)
    bar.set_label("E|ŷ − ŷ'|", fontsize=7)
