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

from mechanics.figures.style import PAGE, REFERENCE, NothingToDraw, colour, diverged_note, label
from mechanics.tables.frames import sound

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
    """Four panels from what measure_smoother.py writes, with ``model`` first and ``status``.

    (a) Risk against k of every seed; dashed the best (ω, μ) for the mixture of k on the same
    prompts, and for the mixture too the laws of one gradient step, plain and on the centred
    context. (b) By how much every seed is above its best (ω, μ), and the mean of two heads above
    the centred step, whose law leaves the sampling error of the prompts: 95 % of it is the bar.
    (c) |ω̂| of every seed and head, open where ω̂ < 0, beside d^-½ and the best ω. (d) R² of the
    network's predictions for both Nadaraya–Watson estimators at the measured ω̂, of every seed.
    Networks with a negative ω̂ have no Gaussian.

    Raises ValueError if no seed finished.
    """
    finished = sound(frame)
    if finished.empty:
        raise NothingToDraw("no finished seed to draw")
    models = list(dict.fromkeys(finished["model"]))
    figure, axes = plt.subplot_mosaic(
        "acd;bcd", figsize=(PAGE, 3.5), width_ratios=[1.25, 0.85, 1.1], height_ratios=[1.6, 1]
    )
    axes["a"].sharex(axes["b"])
    _risk_panel(axes["a"], finished, models)
    _excess_panel(axes["b"], finished, models)
    _omega_panel(axes["c"], finished, models)
    _kernel_panel(axes["d"], finished, models)
    for letter, axis in axes.items():
        axis.set_title(letter, loc="left", fontweight="bold")
    if note := diverged_note(frame):
        figure.supxlabel(note, fontsize=7, color=REFERENCE)
    return figure


def _risk_panel(axis: Axes, frame: pd.DataFrame, models: list[str]) -> None:
    for model in models:
        own = frame[(frame["model"] == model) & (frame["head"] == 0)]
        line_colour = colour(model, models)
        axis.plot(own["k"], own["risk"], "o", color=line_colour, markersize=3, alpha=0.5, mew=0)
        _law(axis, own, "risk_optimum_same_prompts")
        last = own[own["k"] == own["k"].max()]["risk"].mean()
        axis.annotate(
            label(model),
            (own["k"].max(), last),
            xytext=(0, 11),
            textcoords="offset points",
            color=line_colour,
            fontsize=7,
            ha="right",
        )
    for column in list(LAWS)[1:]:
        _law(axis, frame, column)
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


def _excess_panel(axis: Axes, frame: pd.DataFrame, models: list[str]) -> None:
    networks = frame[frame["head"] == 0]
    for model in models:
        own = networks[networks["model"] == model]
        excess = 100 * (own["risk"] / own["risk_optimum_same_prompts"] - 1)
        axis.plot(
            own["k"], excess, "o", color=colour(model, models), markersize=3, mew=0, alpha=0.5
        )
        centred = own.dropna(subset="risk_debiased")
        if len(centred):
            means = centred.groupby("k")[["risk", "risk_se", "risk_debiased"]].mean()
            axis.errorbar(
                means.index,
                100 * (means["risk"] / means["risk_debiased"] - 1),
                196 * means["risk_se"] / means["risk_debiased"],
                linestyle=LAWS["risk_debiased"][0],
                color=colour(model, models),
                linewidth=0.9,
            )
    axis.axhline(0, color=REFERENCE, linewidth=0.8, zorder=0)
    axis.set_xlabel("context length k")
    axis.set_ylabel("excess risk, %")
    words = [r"points: over best $\omega, \mu$"]
    if networks["risk_debiased"].notna().any():
        words.append("line: over the law of the centred step")
    axis.text(0.98, 0.04, "\n".join(words), transform=axis.transAxes, ha="right", fontsize=6.5)


def _omega_panel(axis: Axes, frame: pd.DataFrame, models: list[str]) -> None:
    optima = []
    for place, model in enumerate(models):
        own = frame[frame["model"] == model].drop_duplicates(["seed", "head"])
        jitter = np.linspace(-0.25, 0.25, len(own)) if len(own) > 1 else np.zeros(1)
        for row, shift in zip(own.itertuples(), jitter, strict=True):
            own_colour = colour(model, models)
            axis.plot(
                place + shift,
                abs(row.omega),
                "o",
                color=own_colour,
                markerfacecolor=own_colour if row.omega > 0 else "white",
                markersize=3.5,
            )
        best = own["omega_optimum"].iloc[0]
        if np.isnan(best):  # no law for more than two heads
            continue
        optima.append(best)
        axis.hlines(best, place - 0.4, place + 0.4, REFERENCE, "--", linewidth=0.9)
        axis.annotate(
            r"best $\omega$",
            (place, best),
            xytext=(0, -3),
            textcoords="offset points",
            color=REFERENCE,
            fontsize=7,
            ha="center",
            va="top",
        )
    unit = frame["omega_unit"].iloc[0]
    axis.axhline(unit, color=REFERENCE, linestyle=":", linewidth=0.9, zorder=0)
    _name_level(axis, unit, r"$1/\sqrt{d}$")
    axis.set_xticks(range(len(models)), [label(model).replace(", ", ",\n") for model in models])
    axis.set_xlim(-0.6, len(models) - 0.4)
    axis.set_ylim(0, 1.15 * max(*frame["omega"].abs(), *optima, unit))
    axis.set_ylabel(r"$|\hat\omega|$ (open: $\hat\omega < 0$)")


def _name_level(axis: Axes, level: float, name: str) -> None:
    axis.annotate(
        name,
        (0.01, level),
        xycoords=("axes fraction", "data"),
        xytext=(0, 2),
        textcoords="offset points",
        color=REFERENCE,
        fontsize=7,
    )


def _kernel_panel(axis: Axes, frame: pd.DataFrame, models: list[str]) -> None:
    """Colours are those of the networks; the kernels are named below their points."""
    networks = frame[frame["head"] == 0]
    for kernel, (style, name) in KERNELS.items():
        column = f"r_squared_{kernel}"
        drawn = networks.dropna(subset=column)
        for (model, _), seed in drawn.groupby(["model", "seed"], sort=False):
            own_colour = colour(model, models)
            axis.plot(seed["k"], seed[column], style, color=own_colour, markersize=3, lw=0.8)
        if len(drawn):
            lowest = np.floor(1e4 * drawn[column].min()) / 1e4
            axis.annotate(
                f"{name}\n$R^2 \\geq$ {lowest:.4f}",
                (networks["k"].median(), drawn[column].min()),
                xytext=(0, -5),
                textcoords="offset points",
                ha="center",
                va="top",
                fontsize=7,
            )
    if networks["r_squared_gaussian"].isna().any():
        words = r"no Gaussian where a head has $\hat\omega < 0$"
        axis.text(0.5, 0.03, words, transform=axis.transAxes, ha="center", fontsize=7)
    axis.set_ylim(min(0, axis.get_ylim()[0]), 1.05)
    axis.set_xlabel("context length k")
    axis.set_ylabel(r"$R^2$ of the network's predictions")
