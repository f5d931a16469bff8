"""Which trainings grok, and what their weight norm does: frames in, figures out."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mechanics.figures.style import (
    PAGE,
    REFERENCE,
    NothingToDraw,
    arm_colours,
    in_thousands,
    label,
    label_ends,
    note_diverged,
    ordered,
)
from mechanics.tables.frames import sound

GROUP = ["model", "arm", "weight_decay"]
DECAY_ARMS = ["main", "weight_decay"]  # weight decay is on from the first step to the last
ARM_WORDS = {"main": "decay kept", "no_decay": "decay off", "fixed_norm": "norm fixed"}


def not_grokked(
    steps: np.ndarray, grokked: np.ndarray
) -> tuple[list[float], list[float], list[tuple[float, float]]]:
    """Kaplan and Meier's estimate of the share of runs that have not grokked after each step.

    ``steps``: when each run grokked or, if it did not, when it ended (it is censored). At a step
    where both happen the runs that grok come first. Returned: the steps at which the share falls,
    the share from each of them on, and (step, share) of each censored run.
    """
    steps, grokked = np.asarray(steps, float), np.asarray(grokked, bool)
    share, falls, shares, censored = 1.0, [], [], []
    for step in np.unique(steps):
        now = steps == step
        n_grokking = int((now & grokked).sum())
        if n_grokking:
            share *= 1 - n_grokking / int((steps >= step).sum())
            falls.append(float(step))
            shares.append(share)
        censored += [(float(step), share)] * int((now & ~grokked).sum())
    return falls, shares, censored


def weight_decay_survival(grokking: pd.DataFrame) -> Figure:
    """Share of runs that have not grokked yet, and the final Σθ², by weight decay and arm.

    ``grokking``: the table of ``tabulate_grokking.py``. A row for each model that is trained with
    more than one weight decay or arm (every model if none is): (a) weight decays, (b) arms that
    change it once the network has memorised, beside the main arm, (c) the norm at the end. Bars
    across a line are censored runs, which ended before they grokked; so are open circles. In
    brackets: how many runs grokked, of all that did not diverge.
    Raises ValueError if every run diverged.
    """
    rows = _rows(sound(grokking))
    figure, axes = plt.subplots(
        *(len(rows), 3),
        **{"figsize": (PAGE, 0.5 + 2.2 * len(rows)), "squeeze": False},
        width_ratios=[1, 1, 0.8],
    )
    for (left, middle, right), (model, own) in zip(axes, rows.items(), strict=True):
        colours = _colours(own)
        last = float(own["last_step"].max())
        for axis, groups in ((left, _decays(own)), (middle, _arms(own))):
            _survival_panel(axis, own, groups, colours, last)
        left.set_ylabel("share of runs not yet grokked")
        left.set_title(f"{label(model)}: weight decay")
        middle.set_title("changed when memorised")
        _norm_panel(right, own, colours)
    for axis in axes[-1, :2]:
        axis.set_xlabel("training step")
    note_diverged(figure, grokking[grokking["model"].isin(list(rows))])
    return figure


def _rows(own: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The runs of each model that has several groups, or of every model."""
    if own.empty:
        raise NothingToDraw("no run that did not diverge to draw")
    models = {model: runs for model, runs in own.groupby("model", sort=False)}
    varied = {m: runs for m, runs in models.items() if len(runs.drop_duplicates(GROUP)) > 1}
    return varied or models


Groups = dict[tuple[str, float], str]  # (arm, weight decay): name


def _decays(own: pd.DataFrame) -> Groups:
    """Arms whose weight decay stays as it is, by weight decay."""
    pairs = own.loc[own["arm"].isin(DECAY_ARMS), ["weight_decay", "arm"]].drop_duplicates()
    return {(arm, decay): f"{decay:g}" for decay, arm in sorted(pairs.itertuples(index=False))}


def _arms(own: pd.DataFrame) -> Groups:
    """The main arm and those that change something once the network has memorised."""
    pairs = own.loc[own["arm"] != "weight_decay", ["arm", "weight_decay"]].drop_duplicates()
    return {
        (arm, decay): ARM_WORDS.get(arm, arm.replace("_", " "))
        for arm, decay in pairs.itertuples(index=False)
    }


def _colours(own: pd.DataFrame) -> dict[tuple[str, float], str]:
    """Darker for more weight decay; the arms take colours of their own."""
    decays, arms = _decays(own), [group for group in _arms(own) if group[0] not in DECAY_ARMS]
    found = dict(zip(decays, ordered(len(decays)), strict=True))
    own_colours = arm_colours(dict.fromkeys(arm for arm, _ in arms))
    return found | {group: own_colours[group[0]] for group in arms}


def _of(frame: pd.DataFrame, group: tuple[str, float]) -> pd.DataFrame:
    arm, decay = group
    return frame[(frame["arm"] == arm) & (frame["weight_decay"] == decay)]


def _survival_panel(
    axis: Axes, own: pd.DataFrame, groups: Groups, colours: dict, last_step: float
) -> None:
    ends = {}
    for group, name in groups.items():
        runs, shade = _of(own, group), colours[group]
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
    _by_group(axis, own, "norm_squared_final", colours)
    axis.set_yscale("log")
    axis.set_ylabel("Σθ² at the end")
    axis.set_title("open: not grokked")


def _by_group(axis: Axes, own: pd.DataFrame, column: str, colours: dict) -> None:
    """A value at the end of each run; the groups side by side, in the order of the other panels."""
    groups = _decays(own) | {g: name for g, name in _arms(own).items() if g[0] not in DECAY_ARMS}
    for x, group in enumerate(groups):
        for _, run in _of(own, group).iterrows():
            face = colours[group] if run["status"] == "grokked" else "white"
            axis.plot(x, run[column], "o", color=colours[group], mfc=face, ms=4)
    axis.set_xticks(
        range(len(groups)), [*groups.values()], rotation=40, ha="right", rotation_mode="anchor"
    )
    axis.set_xlim(-0.5, len(groups) - 0.5)


DECADE = 10  # an axis of less has no powers of ten to show
CIRCUIT_PANELS = {  # column: label
    "n_keys": "key frequencies, by rule",
    "logit_fve": "logit FVE by the keys",
    "effective_rank_w_e": "effective rank of W$_E$",
    "norm_squared_final": "Σθ² at the end",
}


def weight_decay_circuit(grokking: pd.DataFrame, circuit: pd.DataFrame) -> Figure:
    """How simple the final network is, by weight decay and arm; open: runs that did not grok.

    ``grokking``, ``circuit``: the tables. A number of key frequencies says something only where
    they carry the logits, beside it. Raises ValueError if every run diverged.
    """
    keys = [*GROUP, "seed"]
    measures = [column for column in CIRCUIT_PANELS if column in circuit]
    table = grokking.merge(circuit[[*keys, *measures]], on=keys, how="left", validate="1:1")
    rows = _rows(sound(table))
    figure, axes = plt.subplots(
        *(len(rows), len(CIRCUIT_PANELS)),
        **{"figsize": (PAGE, 0.4 + 2.0 * len(rows)), "squeeze": False},
    )
    for panels, (model, own) in zip(axes, rows.items(), strict=True):
        colours = _colours(own)
        for axis, (column, name) in zip(panels, CIRCUIT_PANELS.items(), strict=True):
            _by_group(axis, own, column, colours)
            axis.set_ylabel(name)
            if own[column].isna().all():
                axis.annotate("no keys", (0.5, 0.5), xycoords="axes fraction", ha="center")
        panels[0].set_ylim(-0.3, max(own["n_keys"].max(), 3) + 0.5)
        panels[0].yaxis.set_major_locator(MaxNLocator(5, integer=True))
        panels[1].set_ylim(-0.03, 1.06)
        norm = own["norm_squared_final"]
        if norm.max() > DECADE * norm.min():
            panels[3].set_yscale("log")
        panels[0].set_title(label(model), loc="left")
    note_diverged(figure, table[table["model"].isin(list(rows))])
    return figure


NORM_MARKS = {  # column: marker, words
    "grokking_step": ("o", "grokking step"),
    "steepest_fall_step": ("v", "steepest fall of Σθ²"),
    "steepest_relative_fall_step": ("^", "of log Σθ²: relative to its size"),
}


def weight_norm(progress: pd.DataFrame, grokking: pd.DataFrame) -> Figure:
    """Σθ² over training, every run: weight decays at the left, arms at the right.

    ``progress``: model, arm, weight_decay, seed, status, step, norm_squared. ``grokking``: the
    table of ``tabulate_grokking.py``. Circles: the grokking step; triangles: where the fall after
    memorisation is steepest, of Σθ² (down) and of its logarithm (up). A row for each model as in
    ``weight_decay_survival``; runs that diverged are not drawn. Raises ValueError if every run did.
    """
    diverged = grokking.loc[grokking["status"] == "diverged", [*GROUP, "seed"]]
    drawn = progress.merge(diverged, how="left", indicator=True, on=[*GROUP, "seed"])
    drawn = drawn[(drawn["_merge"] == "left_only") & (drawn["status"] != "diverged")]
    rows = _rows(drawn)
    figure, axes = plt.subplots(
        *(len(rows), 2),
        **{"figsize": (PAGE, 0.5 + 2.4 * len(rows)), "squeeze": False, "sharey": "row"},
    )
    for (left, right), (model, own) in zip(axes, rows.items(), strict=True):
        colours = _colours(own)
        moments = grokking[grokking["model"] == model]
        for axis, groups in ((left, _decays(own)), (right, _arms(own))):
            _weight_norm_panel(axis, own, moments, groups, colours)
        left.set_ylabel("Σθ²")
        left.set_title(f"{label(model)}: weight decay")
        right.set_title("changed when memorised")
    for axis in axes[-1]:
        axis.set_xlabel("training step")
    handles = [
        plt.Line2D([], [], linestyle="none", marker=marker, color=REFERENCE, ms=4, label=words)
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
        for seed, line in _of(own, group).groupby("seed"):
            curve = line.drop_duplicates("step").sort_values("step")
            axis.plot(curve["step"], curve["norm_squared"], color=shade, linewidth=0.9)
            lasts.append(float(curve["norm_squared"].iloc[-1]))
            run = _of(moments[moments["seed"] == seed], group)
            for column, (marker, _) in NORM_MARKS.items():
                step = float(run[column].iloc[0]) if len(run) else math.nan
                if not math.isnan(step):
                    height = np.interp(step, curve["step"], curve["norm_squared"])
                    axis.plot(step, height, marker, color=shade, ms=4.5, mec="white", mew=0.5)
        ends[name] = (sorted(lasts)[len(lasts) // 2], shade)
    axis.set_xlim(0, None)
    axis.xaxis.set_major_formatter(in_thousands)
    label_ends(axis, ends)
