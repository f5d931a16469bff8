"""Weight decay and grokking.

Share of networks that have not grokked yet, by training step, for each weight decay and arm
(Kaplan–Meier; crosses are networks that had not grokked when their budget ended). Beside it the
final squared norm.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechanics.figures.decay_groups import (
    ARM_WORDS,
    Groups,
    arms,
    by_group,
    decays,
    group_colours,
    of_group,
    rows_of_models,
    survival_line,
)
from mechanics.figures.panels import label_ends, rows_of_panels
from mechanics.figures.style import label, note_diverged

ALL_ARMS = True  # not the main configurations alone


def weight_decay_survival(grokking: pd.DataFrame) -> Figure:
    """``grokking``: the table. A row for each model that is trained with more than one weight decay
    or arm (every model if none is).

    (a) weight decays, (b) arms that change it once the network has memorised, beside the main arm,
    (c) the norm at the end. Open circles are censored runs. In brackets: how many runs grokked, of
    all that did not diverge.
    """
    rows = rows_of_models(grokking)
    figure, axes = rows_of_panels(len(rows), 3, 2.2, 0.5, width_ratios=[1, 1, 0.8])
    for (left, middle, right), (model, own) in zip(axes, rows.items(), strict=True):
        colours = group_colours(own)
        last = float(own["last_step"].max())
        for axis, groups in ((left, decays(own)), (middle, arms(own))):
            _survival_panel(axis, own, groups, colours, last)
        left.set_ylabel("share of runs not yet grokked")
        left.set_title(f"{label(model)}: weight decay")
        middle.set_title("changed when memorised")
        by_group(right, own, "norm_squared_final", colours)
        right.set_yscale("log")
        right.set_ylabel("Σθ² at the end")
        right.set_title("open: not grokked")
    for axis in axes[-1, :2]:
        axis.set_xlabel("training step")
    note_diverged(figure, grokking[grokking["model"].isin(list(rows))])
    return figure


def _survival_panel(
    axis: Axes, own: pd.DataFrame, groups: Groups, colours: dict, last_step: float
) -> None:
    ends = {}
    for group, name in groups.items():
        runs, shade = of_group(own, group), colours[group]
        end = survival_line(axis, runs, shade, {"ms": 7, "mew": 1.2}, alpha=0.9)
        gap = "\n" if name in ARM_WORDS.values() else " "
        n_grokked = (runs["status"] == "grokked").sum()
        ends[f"{name}{gap}({n_grokked}/{len(runs)})"] = (end, shade)
    axis.set_xlim(0, 1.02 * last_step)
    axis.set_ylim(-0.04, 1.08)
    label_ends(axis, ends, n_lines=max(words.count("\n") for words in ends) + 1)
