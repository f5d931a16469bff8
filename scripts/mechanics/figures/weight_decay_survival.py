"""Weight decay and grokking.

Share of networks that have not grokked yet, by training step, for each weight decay and arm
(Kaplan–Meier; crosses are networks that had not grokked when their budget ended). Beside it the
final squared norm.
"""

import matplotlib.pyplot as plt
import numpy as np
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
    not_grokked,
    of_group,
    rows_of_models,
)
from mechanics.figures.style import (
    PAGE,
    label,
    label_ends,
    note_diverged,
)
from mechanics.tables.frames import sound

ALL_ARMS = True  # not the main configurations alone


def weight_decay_survival(grokking: pd.DataFrame) -> Figure:
    """Share of runs that have not grokked yet, and the final Σθ², by weight decay and arm.

    ``grokking``: the table of ``tabulate_grokking.py``. A row for each model that is trained with
    more than one weight decay or arm (every model if none is): (a) weight decays, (b) arms that
    change it once the network has memorised, beside the main arm, (c) the norm at the end. Bars
    across a line are censored runs, which ended before they grokked; so are open circles. In
    brackets: how many runs grokked, of all that did not diverge.
    Raises ValueError if every run diverged.
    """
    rows = rows_of_models(sound(grokking))
    figure, axes = plt.subplots(
        *(len(rows), 3),
        **{"figsize": (PAGE, 0.5 + 2.2 * len(rows)), "squeeze": False},
        width_ratios=[1, 1, 0.8],
    )
    for (left, middle, right), (model, own) in zip(axes, rows.items(), strict=True):
        colours = group_colours(own)
        last = float(own["last_step"].max())
        for axis, groups in ((left, decays(own)), (middle, arms(own))):
            _survival_panel(axis, own, groups, colours, last)
        left.set_ylabel("share of runs not yet grokked")
        left.set_title(f"{label(model)}: weight decay")
        middle.set_title("changed when memorised")
        _norm_panel(right, own, colours)
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
        grokked = (runs["status"] == "grokked").to_numpy()
        ended = np.where(grokked, runs["grokking_step"], runs["last_step"])
        falls, shares, censored = not_grokked(ended, grokked)
        x = [0.0, *falls, float(ended.max())]
        y = [1.0, *shares, shares[-1] if shares else 1.0]
        axis.step(x, y, where="post", color=shade, alpha=0.9)
        for step, share in censored:
            axis.plot(step, share, "|", color=shade, ms=7, mew=1.2)
        gap = "\n" if name in ARM_WORDS.values() else " "
        ends[f"{name}{gap}({grokked.sum()}/{len(runs)})"] = (y[-1], shade)
    axis.set_xlim(0, 1.02 * last_step)
    axis.set_ylim(-0.04, 1.08)
    label_ends(axis, ends, n_lines=max(words.count("\n") for words in ends) + 1)


def _norm_panel(axis: Axes, own: pd.DataFrame, colours: dict) -> None:
    by_group(axis, own, "norm_squared_final", colours)
    axis.set_yscale("log")
    axis.set_ylabel("Σθ² at the end")
    axis.set_title("open: not grokked")
