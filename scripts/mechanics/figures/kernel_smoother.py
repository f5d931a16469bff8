"""Softmax attention as a kernel smoother.

One-layer softmax attention as a kernel smoother. Risk of one and two heads beside the best (ω,
μ) on the same prompts and the closed laws; the measured ω beside its optimum and the large-d
value 1/√d; and how much of the network's predictions Nadaraya–Watson explains at the measured
bandwidth, with the exponential kernel that attention has, and with the Gaussian one of the lecture.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechanics.figures.panels import level, limits, models_of, write
from mechanics.figures.style import PAGE, REFERENCE, colour, drawable, label, note_diverged

LAWS = {  # column: line style and name in the legend
    "risk_optimum_same_prompts": ("--", r"best $\omega, \mu$, same prompts"),
    "risk_debiased": ("-.", "law: centred step"),
    "risk_one_step": (":", "law: one step"),
}
KERNELS = {  # column: marker and name
    "exponential": ("o-", r"exponential kernel $e^{\hat\omega x_i^\top x}$"),
    "gaussian": ("s-", r"Gaussian kernel, $h^2 = 1/\hat\omega$"),
}


def kernel_smoother(frame: pd.DataFrame) -> Figure:
    """Four panels of the table of this name.

    (a) Risk against k of every seed; dashed the best (ω, μ) for the mixture of k on the same
    prompts, and for the mixture too the laws of one gradient step, plain and on the centred
    context. (b) By how much every seed is above its best (ω, μ), and the mean of two heads above
    the centred step, whose law leaves the sampling error of the prompts: 95 % of it is the bar.
    (c) |ω̂| of every seed and head, open where ω̂ < 0, beside d^-½ and the best ω. (d) R² of the
    network's predictions for both Nadaraya–Watson estimators at the measured ω̂, of every seed.
    Networks with a negative ω̂ have no Gaussian.
    """
    finished = drawable(frame)
    models = models_of(finished)
    figure, axes = plt.subplot_mosaic(
        "acd;bcd", figsize=(PAGE, 3.5), width_ratios=[1.25, 0.85, 1.1], height_ratios=[1.6, 1]
    )
    axes["a"].sharex(axes["b"])
    networks = finished[finished["head"] == 0]
    _risk_panel(axes["a"], networks, models)
    _excess_panel(axes["b"], networks, models)
    _omega_panel(axes["c"], finished, models)
    _kernel_panel(axes["d"], networks, models)
    for letter, axis in axes.items():
        axis.set_title(letter, loc="left", fontweight="bold")
    note_diverged(figure, frame)
    return figure


def _risk_panel(axis: Axes, networks: pd.DataFrame, models: list[str]) -> None:
    for model in models:
        own, shade = networks[networks["model"] == model], colour(model, models)
        axis.plot(own["k"], own["risk"], "o", color=shade, markersize=3, alpha=0.5, mew=0)
        _law(axis, own, "risk_optimum_same_prompts")
        end = own["k"].max(), own[own["k"] == own["k"].max()]["risk"].mean()
        write(axis, label(model), end, (0, 11), on="data", color=shade, size=7, ha="right")
    for column in list(LAWS)[1:]:
        _law(axis, networks, column)
    axis.set_ylim(0, None)
    axis.tick_params(labelbottom=False)
    axis.set_ylabel("risk, MSE / d")
    handles = dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
    axis.legend(
        handles.values(), handles.keys(), loc="upper right", frameon=False, handlelength=2.2
    )


def _law(axis: Axes, frame: pd.DataFrame, column: str) -> None:
    levels = frame.dropna(subset=column).groupby("k")[column].mean()
    style, name = LAWS[column]
    if len(levels):
        axis.plot(levels.index, levels, style, color=REFERENCE, linewidth=0.9, label=name)


def _excess_panel(axis: Axes, networks: pd.DataFrame, models: list[str]) -> None:
    for model in models:
        own, shade = networks[networks["model"] == model], colour(model, models)
        excess = 100 * (own["risk"] / own["risk_optimum_same_prompts"] - 1)
        axis.plot(own["k"], excess, "o", color=shade, markersize=3, mew=0, alpha=0.5)
        centred = own.dropna(subset="risk_debiased")
        if len(centred):
            means = centred.groupby("k")[["risk", "risk_se", "risk_debiased"]].mean()
            axis.errorbar(
                means.index,
                100 * (means["risk"] / means["risk_debiased"] - 1),
                196 * means["risk_se"] / means["risk_debiased"],
                linestyle=LAWS["risk_debiased"][0],
                color=shade,
                linewidth=0.9,
            )
    level(axis, 0, "-", zorder=0)
    axis.set_xlabel("context length k")
    axis.set_ylabel("excess risk, %")
    words = [r"points: over best $\omega, \mu$"]
    if networks["risk_debiased"].notna().any():
        words.append("line: over the law of the centred step")
    axis.text(0.98, 0.04, "\n".join(words), transform=axis.transAxes, ha="right", fontsize=6.5)


def _omega_panel(axis: Axes, frame: pd.DataFrame, models: list[str]) -> None:
    for place, model in enumerate(models):
        own = frame[frame["model"] == model].drop_duplicates(["seed", "head"])
        jitter = np.linspace(-0.25, 0.25, len(own)) if len(own) > 1 else np.zeros(1)
        for row, shift in zip(own.itertuples(), jitter, strict=True):
            shade = colour(model, models)
            face = shade if row.omega > 0 else "white"
            axis.plot(place + shift, abs(row.omega), "o", color=shade, mfc=face, markersize=3.5)
        best = own["omega_optimum"].iloc[0]
        if np.isnan(best):  # no law for more than two heads
            continue
        axis.hlines(best, place - 0.4, place + 0.4, REFERENCE, "--", linewidth=0.9)
        below = {"on": "data", "size": 7, "ha": "center", "va": "top"}
        write(axis, r"best $\omega$", (place, best), (0, -3), **below)
    unit = frame["omega_unit"].iloc[0]
    level(axis, unit, ":", linewidth=0.9, zorder=0)
    write(axis, r"$1/\sqrt{d}$", (0.01, unit), (0, 2), on=("axes fraction", "data"), size=7)
    axis.set_xticks(range(len(models)), [label(model).replace(", ", ",\n") for model in models])
    axis.set_xlim(-0.6, len(models) - 0.4)
    limits(axis, 0, 1.15 * frame[["omega", "omega_optimum", "omega_unit"]].abs().max(axis=None))
    axis.set_ylabel(r"$|\hat\omega|$ (open: $\hat\omega < 0$)")


def _kernel_panel(axis: Axes, networks: pd.DataFrame, models: list[str]) -> None:
    """Colours are those of the networks; the kernels are named below their points."""
    for kernel, (style, name) in KERNELS.items():
        column = f"r_squared_{kernel}"
        drawn = networks.dropna(subset=column)
        for (model, _), seed in drawn.groupby(["model", "seed"], sort=False):
            shade = colour(model, models)
            axis.plot(seed["k"], seed[column], style, color=shade, markersize=3, lw=0.8)
        if len(drawn):
            lowest = np.floor(1e4 * drawn[column].min()) / 1e4
            words, at = (
                f"{name}\n$R^2 \\geq$ {lowest:.4f}",
                (networks["k"].median(), drawn[column].min()),
            )
            below = {"on": "data", "size": 7, "ha": "center", "va": "top", "color": None}
            write(axis, words, at, (0, -5), **below)
    if networks["r_squared_gaussian"].isna().any():
        words = r"no Gaussian where a head has $\hat\omega < 0$"
        axis.text(0.5, 0.03, words, transform=axis.transAxes, ha="center", fontsize=7)
    axis.set_ylim(min(0, axis.get_ylim()[0]), 1.05)
    axis.set_xlabel("context length k")
    axis.set_ylabel(r"$R^2$ of the network's predictions")
