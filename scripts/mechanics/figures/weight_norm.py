"""The norm of the weights.

Squared norm of all weights over training for every arm, with the grokking step and where the norm
falls most within 500 steps after memorising: Σθ² itself, and its logarithm, relative to its size.
"""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mechanics.figures.decay_groups import (
    GROUP,
    Groups,
    arms,
    decays,
    group_colours,
    of_group,
    rows_of_models,
)
from mechanics.figures.panels import label_ends, rows_of_panels
from mechanics.figures.style import REFERENCE, in_thousands, label, note_diverged

ALL_ARMS = True  # not the main configurations alone
NORM_MARKS = {  # column: marker, words
    "grokking_step": ("o", "grokking step"),
    "steepest_fall_step": ("v", "steepest fall of Σθ²"),
    "steepest_relative_fall_step": ("^", "of log Σθ²: relative to its size"),
}


def weight_norm(progress: pd.DataFrame, grokking: pd.DataFrame) -> Figure:
    """``progress``: progress_measures; ``grokking``: the table, for the marks.

    Weight decays at the left, arms at the right; a row for each model as in
    ``weight_decay_survival``.
    """
    diverged = grokking.loc[grokking["status"] == "diverged", [*GROUP, "seed"]]
    drawn = progress.merge(diverged, how="left", indicator=True, on=[*GROUP, "seed"])
    rows = rows_of_models(drawn[drawn["_merge"] == "left_only"])
    figure, axes = rows_of_panels(len(rows), 2, 2.4, 0.5, sharey="row")
    for (left, right), (model, own) in zip(axes, rows.items(), strict=True):
        colours = group_colours(own)
        moments = grokking[grokking["model"] == model]
        for axis, groups in ((left, decays(own)), (right, arms(own))):
            _weight_norm_panel(axis, own, moments, groups, colours)
        left.set_ylabel("Σθ²")
        left.set_title(f"{label(model)}: weight decay")
        right.set_title("changed when memorised")
    for axis in axes[-1]:
        axis.set_xlabel("training step")
    handles = [
        Line2D([], [], linestyle="none", marker=marker, color=REFERENCE, ms=4, label=words)
        for marker, words in NORM_MARKS.values()
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=3, frameon=False)
    note_diverged(figure, grokking[grokking["model"].isin(list(rows))])
    return figure


def _weight_norm_panel(
    axis: Axes, own: pd.DataFrame, moments: pd.DataFrame, groups: Groups, colours: dict
) -> None:
    axis.set_yscale("log")
    ends = {}
    for group, name in groups.items():
        lasts, shade = [], colours[group]
        for seed, line in of_group(own, group).groupby("seed"):
            curve = line.drop_duplicates("step").sort_values("step")
            axis.plot(curve["step"], curve["norm_squared"], color=shade, linewidth=0.9)
            lasts.append(float(curve["norm_squared"].iloc[-1]))
            run = of_group(moments[moments["seed"] == seed], group)
            for column, (marker, _) in NORM_MARKS.items():
                step = float(run[column].iloc[0]) if len(run) else math.nan
                if not math.isnan(step):
                    height = np.interp(step, curve["step"], curve["norm_squared"])
                    axis.plot(step, height, marker, color=shade, ms=4.5, mec="white", mew=0.5)
        ends[name] = (sorted(lasts)[len(lasts) // 2], shade)
    axis.set_xlim(0, None)
    axis.xaxis.set_major_formatter(in_thousands)
    label_ends(axis, ends)
