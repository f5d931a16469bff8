"""Weight decay, the norm of the weights, and grokking."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechanics.figures.decay_groups import (
    DECAY_ARMS,
    GROUP,
    Groups,
    arms,
    decays,
    group_colours,
    of_group,
    rows_of_models,
    survival_line,
)
from mechanics.figures.panels import label_ends, rows_of_panels
from mechanics.figures.style import NothingToDraw, in_thousands, label, note_diverged

ALL_ARMS = True  # not the main configurations alone


def weight_norm(progress: pd.DataFrame, grokking: pd.DataFrame) -> Figure:
    """``progress``: progress_measures; ``grokking``: the table.

    Two rows for each model that is trained with more than one weight decay or arm (every model if
    none is).
    """
    diverged = grokking.loc[grokking["status"] == "diverged", [*GROUP, "seed"]]
    drawn = progress.merge(diverged, how="left", indicator=True, on=[*GROUP, "seed"])
    rows = rows_of_models(drawn[drawn["_merge"] == "left_only"])
    shape = {"sharex": True, "sharey": "row", "height_ratios": [1.4, 1] * len(rows)}
    figure, axes = rows_of_panels(2 * len(rows), 2, 2.1, 0.2, **shape)
    for row, (model, own) in enumerate(rows.items()):
        runs = grokking[(grokking["model"] == model) & (grokking["status"] != "diverged")]
        if runs.empty:
            raise NothingToDraw(f"no run of {label(model)} in the table grokking")
        colours = group_colours(own)
        for column, groups in enumerate((decays(own), arms(own))):
            _norms(axes[2 * row, column], own, runs, groups, colours)
            _survival(axes[2 * row + 1, column], runs, groups, colours)
        decayed = runs[runs["arm"].isin(DECAY_ARMS)]  # what the panel shows
        grokked = decayed["status"] == "grokked"
        medians = decayed.groupby(grokked)["norm_squared_final"].median()
        words = f"{label(model)}, by weight decay"
        if grokked.any() and not grokked.all():
            words += f"\nends at {medians[True]:,.0f} if it groks, else at {medians[False]:,.0f}"
        axes[2 * row, 0].set_title(words, loc="left", fontsize=7)
        axes[2 * row, 1].set_title("changed once memorised", loc="left", fontsize=7)
        axes[2 * row, 0].set_ylabel("Σθ²")
        axes[2 * row + 1, 0].set_ylabel("share not yet grokked")
    for axis in axes[-1]:
        axis.set_xlabel("training step")
        axis.xaxis.set_major_formatter(in_thousands)
    note_diverged(figure, grokking[grokking["model"].isin(list(rows))])
    return figure


def _norms(
    axis: Axes, own: pd.DataFrame, moments: pd.DataFrame, groups: Groups, colours: dict
) -> None:
    axis.set_yscale("log")
    axis.yaxis.set_major_formatter(in_thousands)
    axis.yaxis.set_minor_formatter(in_thousands)
    ends = {}
    for group, name in groups.items():
        lasts, shade = [], colours[group]
        for seed, line in of_group(own, group).groupby("seed"):
            curve = line.drop_duplicates("step").sort_values("step")
            axis.plot(curve["step"], curve["norm_squared"], color=shade, linewidth=0.9)
            lasts.append(float(curve["norm_squared"].iloc[-1]))
            run = of_group(moments[moments["seed"] == seed], group)
            if run["grokking_step"].notna().any():
                step = float(run["grokking_step"].iloc[0])
                height = np.interp(step, curve["step"], curve["norm_squared"])
                axis.plot(step, height, "o", color=shade, ms=4, mec="white", mew=0.5)
        ends[name] = (sorted(lasts)[len(lasts) // 2], shade)
    axis.set_xlim(0, None)
    label_ends(axis, ends)


def _survival(axis: Axes, own: pd.DataFrame, groups: Groups, colours: dict) -> None:
    ends = {}
    for group, name in groups.items():
        if len(runs := of_group(own, group)):
            end = survival_line(axis, runs, colours[group], {"ms": 6, "mew": 1.0}, alpha=0.9)
            n_grokked = (runs["status"] == "grokked").sum()
            ends[f"{name} ({n_grokked}/{len(runs)})"] = (end, colours[group])
    axis.set_ylim(-0.04, 1.08)
    label_ends(axis, ends)
