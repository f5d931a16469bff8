"""Weight decay, the norm of the weights, and grokking."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from mechanics.figures import style
from mechanics.figures.panels import label_ends, rows_of, rows_of_panels
from mechanics.figures.survival import DECAY_ARMS, survival_line
from mechanics.tables.frames import sound

ALL_ARMS = True  # not the main configurations alone
ARM_WORDS = {"main": "decay kept", "no_decay": "decay off", "fixed_norm": "norm fixed"}
Groups = dict[tuple[float, str], tuple[str, str]]  # (weight decay, arm): name and colour


def weight_norm(progress: pd.DataFrame, grokking: pd.DataFrame) -> plt.Figure:
    """``progress``: progress_measures; ``grokking``: the table.

    Two rows for each model that is trained with more than one weight decay or arm (every model if
    none is).
    """
    pairs = ["arm", "weight_decay"]
    models = dict(list(style.drawable(progress).groupby("model", sort=False)))
    rows = {m: own for m, own in models.items() if len(own.drop_duplicates(pairs)) > 1} or models
    shape = {"sharex": True, "sharey": "row", "height_ratios": [1.4, 1] * len(rows)}
    figure, axes = rows_of_panels(2 * len(rows), 2, 2.1, 0.2, **shape)
    for row, (model, own) in enumerate(rows.items()):
        runs = rows_of(sound(grokking), model=model)
        for column, groups in enumerate(groups_of(own)):
            _norms(axes[2 * row, column], own, runs, groups)
            _survival(axes[2 * row + 1, column], runs, groups)
        decayed = runs[runs["arm"].isin(DECAY_ARMS)]  # what the panel shows
        grokked = decayed["status"] == "grokked"
        medians = decayed.groupby(grokked)["norm_squared_final"].median()
        words = f"{style.label(model)}, by weight decay"
        if grokked.any() and not grokked.all():
            words += f"\nends at {medians[True]:,.0f} if it groks, else at {medians[False]:,.0f}"
        axes[2 * row, 0].set_title(words, loc="left", fontsize=7)
        axes[2 * row, 1].set_title("changed once memorised", loc="left", fontsize=7)
        axes[2 * row, 0].set_ylabel("Σθ²")
        axes[2 * row + 1, 0].set_ylabel("share not yet grokked")
    for axis in axes[-1]:
        axis.set_xlabel("training step")
        axis.xaxis.set_major_formatter(style.in_thousands)
    style.note_diverged(figure, grokking[grokking["model"].isin(list(rows))])
    return figure


def groups_of(own: pd.DataFrame) -> tuple[Groups, Groups]:
    """By weight decay, darker for more; and the main arm beside what is changed once memorised."""
    pairs = own[["weight_decay", "arm"]].drop_duplicates()
    kept = sorted(pairs[pairs["arm"].isin(DECAY_ARMS)].itertuples(index=False, name=None))
    shades = dict(zip(kept, style.ordered(len(kept)), strict=True))
    changed = pairs[pairs["arm"] != "weight_decay"]
    unknown = [arm for arm in dict.fromkeys(changed["arm"]) if arm not in {"main", *style.ARMS}]
    others = style.ARMS | {arm: style.OTHERS[2 + i % 3] for i, arm in enumerate(unknown)}
    by_decay = {(decay, arm): (f"{decay:g}", shade) for (decay, arm), shade in shades.items()}
    words = {arm: ARM_WORDS.get(arm, arm.replace("_", " ")) for arm in changed["arm"]}
    by_arm = {
        (decay, arm): (words[arm], others.get(arm) or shades[decay, arm])
        for decay, arm in changed.itertuples(index=False, name=None)
    }
    return by_decay, by_arm


def _norms(axis: plt.Axes, own: pd.DataFrame, moments: pd.DataFrame, groups: Groups) -> None:
    axis.set_yscale("log")
    axis.yaxis.set_major_formatter(style.in_thousands)
    axis.yaxis.set_minor_formatter(style.in_thousands)
    ends = {}
    for (decay, arm), (name, shade) in groups.items():
        lasts = []
        for seed, line in rows_of(own, arm=arm, weight_decay=decay).groupby("seed"):
            curve = line.drop_duplicates("step").sort_values("step")
            axis.plot(curve["step"], curve["norm_squared"], color=shade, linewidth=0.9)
            lasts.append(float(curve["norm_squared"].iloc[-1]))
            run = rows_of(moments, arm=arm, weight_decay=decay, seed=seed)
            for step in run["grokking_step"].dropna()[:1]:
                height = np.interp(step, curve["step"], curve["norm_squared"])
                axis.plot(step, height, "o", color=shade, ms=4, mec="white", mew=0.5)
        ends[name] = (sorted(lasts)[len(lasts) // 2], shade)
    axis.set_xlim(0, None)
    label_ends(axis, ends)


def _survival(axis: plt.Axes, own: pd.DataFrame, groups: Groups) -> None:
    ends = {}
    for (decay, arm), (name, shade) in groups.items():
        if len(runs := rows_of(own, arm=arm, weight_decay=decay)):
            end = survival_line(axis, runs, shade, {"ms": 6, "mew": 1.0}, alpha=0.9)
            n_grokked = (runs["status"] == "grokked").sum()
            ends[f"{name} ({n_grokked}/{len(runs)})"] = (end, shade)
    axis.set_ylim(-0.04, 1.08)
    label_ends(axis, ends)
