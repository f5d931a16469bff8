"""Which algorithm does each network compute?

Mean absolute difference between every network's predictions and those of every algorithm, on the
same held-out prompts, at three context lengths; a ring marks the nearest. Nothing is fitted: step
sizes and bandwidths come from closed forms, for all trained k together or ("tuned at k") for the k
at hand. Below: the difference over training, medians over seeds.
"""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from mechanics.figures.panels import label_ends, models_of
from mechanics.figures.style import COLOURS, OTHERS, PAGE, NothingToDraw, label

LENGTHS = (10, 20, 50)
FOLLOWED = {  # algorithms whose distance is followed over training, and their colours
    "zero": OTHERS[0],
    "one-step GD": COLOURS["linear_L1"],
    "3-step GD": COLOURS["linear_L2"],
    "6-step GD, tuned at k": COLOURS["linear_L3"],
    "6-step Newton": COLOURS["softmax_L1_2heads"],
    "OLS": "#000000",
    "softmax kernel smoother": COLOURS["softmax_L1"],
}
FOLLOWED_MODELS = ("linear_L1", "softmax_L1", "deep_L6")


def algorithm_match(table: pd.DataFrame, by_step: pd.DataFrame) -> Figure:
    """``table``: algorithm_match; ``by_step``: medians over seeds at every checkpoint."""
    if table["preds_diff"].isna().all():
        raise NothingToDraw("no distance to an algorithm was measured")
    lengths = _present(LENGTHS, table["k"])
    figure = plt.figure(figsize=(PAGE, 6.6))
    upper, lower = figure.subfigures(2, 1, height_ratios=[2.1, 1])
    axes = upper.subplots(1, len(lengths), sharey=True, squeeze=False)[0]
    norm = LogNorm(max(table["preds_diff"].min(), 1e-2), table["preds_diff"].max())
    for axis, k in zip(axes, lengths, strict=True):
        image = _matrix(axis, table[table["k"] == k], norm)
        axis.set_title(f"k = {k}")
    bar = upper.colorbar(image, ax=axes, shrink=0.6, pad=0.01)
    bar.set_label("preds diff, E|ŷ − ŷ'|", fontsize=7)
    models = _present(FOLLOWED_MODELS, by_step["model"])[: len(FOLLOWED_MODELS)]
    axes = lower.subplots(1, max(len(models), 1), sharey=True, squeeze=False)[0]
    for axis, model in zip(axes, models, strict=False):
        lengths = _present(LENGTHS, by_step["k"])
        k = lengths[len(lengths) // 2]
        own = by_step[(by_step["model"] == model) & (by_step["k"] == k) & (by_step["step"] > 0)]
        _course(axis, own)
        axis.set(title=f"{label(model)}, k = {k}", xlabel="training step")
    axes[0].set_ylabel("preds diff")
    return figure


def _present(wanted: tuple, column: pd.Series) -> list:
    """The wanted values that there are; all of them, in their order, if there is none."""
    there = list(dict.fromkeys(column.tolist()))
    return [value for value in wanted if value in there] or there


def _matrix(axis: Axes, table: pd.DataFrame, norm: LogNorm):
    order, models = list(dict.fromkeys(table["algorithm"])), models_of(table)
    values = table.pivot(index="algorithm", columns="model", values="preds_diff").loc[order, models]
    image = axis.imshow(values, norm=norm, cmap="viridis", aspect="auto")
    for row in table[table["nearest"]].itertuples():
        place = models.index(row.model), order.index(row.algorithm)
        axis.plot(*place, marker="o", markersize=7, mfc="none", mec="white", mew=1.4)
    axis.set_xticks(range(len(models)), [label(m) for m in models], rotation=60, ha="right")
    axis.set_yticks(range(len(order)), order)
    axis.tick_params(labelsize=6, length=0)
    return image


def _course(axis: Axes, own: pd.DataFrame) -> None:
    axis.set(xscale="log", yscale="log")
    ends = {}
    for name, shade in FOLLOWED.items():
        line = own[own["algorithm"] == name].sort_values("step")
        if len(line):
            axis.plot(line["step"], line["preds_diff"], color=shade, linewidth=1)
            ends[name] = float(line["preds_diff"].iloc[-1]), shade
    label_ends(axis, ends, fontsize=5.5)
