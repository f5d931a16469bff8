"""Track B in the report.

Track B as the report shows it: accuracy of every seed; losses, restricted and excluded, and the
norm of the first seed that grokked, with its grokking step (dotted) and where Σθ² (filled triangle)
and its logarithm (open) fall most; its numbers in the plane of the strongest key frequency; which
runs grok.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechanics.figures.decay_groups import DECAY_ARMS, not_grokked
from mechanics.figures.embedding_circles import draw_plane
from mechanics.figures.style import (
    COLOURS,
    OTHERS,
    REFERENCE,
    arm_colours,
    in_thousands,
    label_ends,
    letter_panels,
    ordered,
    print_sizes,
    strip_of_panels,
)
from mechanics.tables.frames import sound

ALL_ARMS = True  # not the main configurations alone
FIRST = 10  # step at which a logarithmic axis begins
LOWEST = 1e-8  # nats: smaller losses are drawn as this
ARM_WORDS = {"no_decay": "decay off", "fixed_norm": "norm held"}
FALLS = {"steepest_fall_step": "black", "steepest_relative_fall_step": "white"}  # column: face


def report_addition(
    progress: pd.DataFrame, embedding: pd.DataFrame, circuit: pd.DataFrame, grokking: pd.DataFrame
) -> Figure:
    """(a) accuracy, (b) losses above Σθ² of the first grokking seed, (c) its numbers in the plane
    of its strongest key, (d) which runs grok. Triangles: where Σθ², filled, and its logarithm,
    open, fall most; dotted: the grokking step.

    ``progress``: progress_measures; ``embedding``, ``circuit``, ``grokking``: the tables. The
    network is softmax_L1 where the study has it, else the first; its first seed that grokked, or
    its first.
    """
    main = progress[progress["arm"] == "main"]
    model = shown_model(grokking)
    seed = shown_seed(grokking, model)
    own = main[(main["model"] == model) & (main["seed"] == seed)].sort_values("step")
    figure, axes = strip_of_panels(4, [0.95, 1.3, 0.75, 1.05])
    _accuracy_panel(axes[0], sound(main[main["model"] == model]))
    axes[1], norm = _halves(axes[1])
    run = grokking[(grokking["model"] == model) & (grokking["arm"] == "main")]
    run = run[run["seed"] == seed].iloc[0]
    _norm_panel(norm, own, run)
    _loss_panel(axes[1], own, run)
    _circle_panel(axes[2], embedding, circuit, model, seed)
    _survival_panel(axes[3], sound(grokking[grokking["model"] == model]))
    letter_panels(axes)
    return figure


def shown_model(grokking: pd.DataFrame) -> str:
    """One layer of softmax attention where the study has it, else its first network."""
    names = list(dict.fromkeys(grokking.loc[grokking["arm"] == "main", "model"]))
    return "softmax_L1" if "softmax_L1" in names else names[0]


def shown_seed(grokking: pd.DataFrame, model: str) -> int:
    """The first seed of the main arm that grokked; the first if none did."""
    own = grokking[(grokking["model"] == model) & (grokking["arm"] == "main")]
    grokked = own[own["status"] == "grokked"]
    return int((grokked if len(grokked) else own)["seed"].iloc[0])


def _accuracy_panel(axis: Axes, progress: pd.DataFrame) -> None:
    for _, own in progress[progress["step"] >= FIRST].groupby("seed"):
        for split in ("train", "validation"):
            axis.plot(
                own["step"],
                own[f"accuracy_{split}"],
                color=COLOURS[split],
                linewidth=0.8,
                alpha=0.8,
            )
    axis.set(xscale="log", xlabel="training step", ylabel="accuracy", ylim=(-0.03, 1.08))
    axis.set_title(f"{progress['seed'].nunique()} seeds")
    for split, place in (("train", (0.04, 0.86)), ("validation", (0.44, 0.5))):
        axis.annotate(split, place, xycoords="axes fraction", color=COLOURS[split], fontsize=6)


def _halves(axis: Axes) -> tuple[Axes, Axes]:
    """Two panels, one above the other with the same steps, in the place of one."""
    figure, place = axis.figure, axis.get_subplotspec()
    axis.remove()
    grid = place.subgridspec(2, 1, height_ratios=[1.8, 1])
    upper = figure.add_subplot(grid[0])
    lower = figure.add_subplot(grid[1], sharex=upper)
    for half in (upper, lower):
        print_sizes(half)
    upper.tick_params(labelbottom=False)
    return upper, lower


def _norm_panel(axis: Axes, own: pd.DataFrame, run: pd.Series) -> None:
    own = own[own["step"] >= FIRST]
    axis.plot(own["step"], own["norm_squared"], color="black", linewidth=0.9)
    for column, face in FALLS.items():
        if np.isfinite(step := run[column]):
            height = np.interp(step, own["step"], own["norm_squared"])
            axis.plot(step, height, "v", color="black", mfc=face, ms=4, mew=0.7)
    axis.set(xscale="log", xlabel="training step", ylabel="Σθ²")
    axis.set_ylim(0, 1.2 * own["norm_squared"].max())
    axis.locator_params(axis="y", nbins=3)
    axis.yaxis.set_major_formatter(in_thousands)
    _mark_grokking(axis, run)


def _mark_grokking(axis: Axes, run: pd.Series) -> None:
    if np.isfinite(run["grokking_step"]):
        axis.axvline(run["grokking_step"], color=REFERENCE, linestyle=":", linewidth=0.8, zorder=0)


def _loss_panel(axis: Axes, own: pd.DataFrame, run: pd.Series) -> None:
    own = own[own["step"] >= FIRST]
    ends = {}
    for column, name, shade in (
        ("excluded_loss_train", "excluded", OTHERS[0]),
        ("restricted_loss_all", "restricted", OTHERS[1]),
        ("loss_validation", "validation", COLOURS["validation"]),
        ("loss_train", "train", COLOURS["train"]),
    ):
        if own[column].notna().any():
            values = own[column].clip(lower=LOWEST)
            axis.plot(own["step"], values, color=shade, linewidth=0.9)
            ends[name] = (float(values.iloc[-1]), shade)
    axis.set(xscale="log", yscale="log", ylabel="loss, nats")
    _mark_grokking(axis, run)
    axis.set_title(f"seed {run['seed']}")
    label_ends(axis, ends, fontsize=5.5)


def _circle_panel(
    axis: Axes, embedding: pd.DataFrame, circuit: pd.DataFrame, model: str, seed: int
) -> None:
    axis.set_axis_off()
    rows = circuit[(circuit["model"] == model) & (circuit["arm"] == "main")]
    keys = rows.loc[rows["seed"] == seed, "key_frequencies"].iloc[0].split()
    if not keys:
        axis.text(0.5, 0.5, "no key\nfrequencies", ha="center", transform=axis.transAxes, size=7)
        return
    own = embedding[(embedding["model"] == model) & (embedding["seed"] == seed)]
    own = own[own["arm"] == "main"]
    shares = own[own["kind"] == "share"].set_index("index")["value"]
    strongest = shares[[int(k) for k in keys]].idxmax()
    plane = own[own["frequency"] == strongest]
    x, y = (
        plane[plane["kind"] == f"key_{c}"].sort_values("index")["value"].to_numpy() for c in "xy"
    )
    draw_plane(axis, x, y, int(strongest))
    axis.set_title(f"W$_E$, k = {strongest}")


def _survival_panel(axis: Axes, grokking: pd.DataFrame) -> None:
    """Kaplan–Meier curves by weight decay and arm; bars across a line are censored runs."""
    groups, arms = {}, {}  # by name; of an arm its own
    for (decay, arm), own in grokking.groupby(["weight_decay", "arm"]):
        name = f"decay {decay:g}" if arm in DECAY_ARMS else ARM_WORDS.get(arm, arm)
        groups[name] = own
        arms |= {} if arm in DECAY_ARMS else {name: arm}
    colours = arm_colours(dict.fromkeys(arms.values()))
    shades = {name: colours[arm] for name, arm in arms.items()}
    decays = [name for name in groups if name not in shades]
    shades |= dict(zip(decays, ordered(len(decays)), strict=True))
    ends = {}
    for name, own in groups.items():
        shade, dashes = shades[name], "--" if name in arms else "-"
        grokked = (own["status"] == "grokked").to_numpy()
        ended = np.where(grokked, own["grokking_step"], own["last_step"])
        falls, shares, censored = not_grokked(ended, grokked)
        x, y = [0.0, *falls, float(ended.max())], [1.0, *shares, shares[-1] if shares else 1.0]
        axis.step(x, y, where="post", color=shade, linewidth=1.0, linestyle=dashes)
        for step, share in censored:
            axis.plot(step, share, "|", color=shade, ms=5)
        ends[f"{name}: {grokked.sum()}/{len(own)}"] = (y[-1], shade)
    axis.set(xlabel="training step", ylabel="not yet grokked", ylim=(-0.04, 1.08))
    axis.xaxis.set_major_formatter(in_thousands)
    label_ends(axis, ends, fontsize=5.5)
