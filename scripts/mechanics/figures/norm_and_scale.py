"""What delays grokking: the norm, and the scale of the logits."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import LogLocator, NullLocator

from mechanics.figures import style
from mechanics.figures.panels import write
from mechanics.figures.survival import DECAY_ARMS, ends_of

ALL_ARMS = True  # not the main configurations alone
MARKS = {"grokked": "o", "censored": "o", "stalled": "x"}  # by how a run ended
ARMS = {  # of the table: as it is called
    "held_norm": "initial norm held",
    "orthogonal_gradient": "⊥Grad",
    "initial_norm": "memorised, scaled down",
    "fixed_norm": "memorised norm held",
    "temperature": "… logits divided",
    "sham": "… a restart alone (sham)",
    "no_decay": "decay off once memorised",
}
APART = 0.24  # rows of an arm: between the values of ε


def norm_and_scale(norm_dose: pd.DataFrame) -> plt.Figure:
    """The table of this name. Without several doses of the held norm only (c) is drawn."""
    runs = style.drawable(norm_dose)
    runs = runs[runs["arm"].isin([*ARMS, *DECAY_ARMS]) & runs["status"].isin(list(MARKS))]
    runs = runs[runs["model"].isin(runs["model"][:1])]
    runs = runs.assign(end=ends_of(runs)[0])
    held, treated = runs[runs["arm"] == "held_norm"], arms_of(runs)
    several = len(held[["norm_factor", "temperature"]].drop_duplicates()) > 1
    heights = [1.5] * several + [0.5 + 0.15 * len(treated)] * bool(treated)
    if runs["end"].isna().all() or not heights:
        raise style.NothingToDraw("no run of an arm that is drawn has an end")
    figure, axes = plt.figure(figsize=(style.COLUMN, sum(heights))), []
    parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    if several:
        axes += [*parts[0].subplots(1, 2, sharey=True)]
        _doses(axes[0], held)
        _scales(axes[1], held[held["status"] == "grokked"])
    if treated:
        axes.append(parts[-1].subplots())
        _arms(axes[-1], treated)
    style.letter_panels(axes)
    style.note_diverged(figure, norm_dose)
    return figure


def temperatures(held: pd.DataFrame) -> dict[float, str]:
    """A colour for each temperature."""
    return dict(zip(sorted(held["temperature"].unique()), style.OTHERS, strict=False))


def arms_of(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The runs of each weight decay, the largest first, then of each other arm, by its name."""
    decays = runs[runs["arm"].isin(DECAY_ARMS)]
    found = {
        f"weight decay {decay:g}": own
        for decay, own in sorted(decays.groupby("weight_decay"), reverse=True)
    }
    plain = (runs["norm_factor"] == 1) & ((runs["temperature"] == 1) | (runs["arm"] != "held_norm"))
    for arm, name in ARMS.items():
        if len(own := runs[plain & (runs["arm"] == arm)]):
            heat = own["temperature"].iloc[0]
            found[f"{name} by {heat:g}" if arm == "temperature" else name] = own
    return found


def marks(
    axis: plt.Axes, runs: pd.DataFrame, x: pd.Series, y: pd.Series, shade: str, **how
) -> None:
    """A mark for each run, by its end: filled, open or a cross."""
    for status, marker in MARKS.items():
        own, face = runs["status"] == status, shade if status == "grokked" else "none"
        look = {"color": shade, "mfc": face, "ms": 3, "mew": 0.7, "alpha": 0.8} | how
        axis.plot(x[own], y[own], marker, linestyle="none", **look)


def _doses(axis: plt.Axes, held: pd.DataFrame) -> None:
    factors = sorted(held["norm_factor"].unique())
    for place, (temperature, shade) in enumerate(temperatures(held).items()):
        write(axis, f"τ = {temperature:g}", (0.97, 0.05 + 0.13 * place), color=shade, ha="right")
        own = held[held["temperature"] == temperature]
        middle = own.groupby("norm_factor")["end"].median()
        axis.plot(middle.index, middle, color=shade, linewidth=0.7, alpha=0.7)
        marks(axis, own, own["norm_factor"], own["end"], shade)
    axis.set(xlabel="norm held / initial norm", ylabel="grokking step", xscale="log", yscale="log")
    _few_numbers(axis.yaxis)
    axis.set_xticks([], minor=True)
    axis.set_xticks(factors, [f"{factor:g}" for factor in factors])
    axis.tick_params(axis="x", rotation=60)
    plain = held[held["temperature"] == 1]
    share = plain.assign(grokked=plain["status"] == "grokked").groupby("norm_factor")["grokked"]
    if len(share) > 1:
        share = share.agg(["sum", "size"])
        most = (share["sum"] / share["size"]).idxmax()
        told = dict.fromkeys([share.index[0], most, share.index[-1]])
        words = [f"{share['sum'][f]}/{share['size'][f]} at {f:g}×" for f in told]
        axis.set_title("grok: " + ",\n".join([words[0], ", ".join(words[1:])]))
    else:
        axis.set_title("norm held")


def _few_numbers(one) -> None:
    """Numbers on a logarithmic axis, x or y, however few decades it has."""
    one.set_major_locator(LogLocator(subs=(1, 2, 5)))
    one.set_minor_locator(NullLocator())
    one.set_major_formatter(style.in_thousands)


def _scales(axis: plt.Axes, held: pd.DataFrame) -> None:
    scale = held["logit_scale_memorised"] / held["temperature"]
    for temperature, shade in temperatures(held).items():
        own = held["temperature"] == temperature
        marks(axis, held[own], scale[own], held.loc[own, "end"], shade)
    known = pd.DataFrame({"x": scale, "y": held["end"]}).dropna()
    rank = known.rank().corr().iloc[0, 1] if len(known) > 2 else np.nan
    found = f" rank {rank:.2f}".replace("-", "−") if np.isfinite(rank) else ""
    axis.set_title(f"one scale?{found}")
    axis.set(xlabel="logit scale in the loss", xscale="log")
    _few_numbers(axis.xaxis)
    axis.tick_params(labelleft=False)


def _arms(axis: plt.Axes, treated: dict[str, pd.DataFrame]) -> None:
    """A row for each arm, and at its right how many of its runs grokked, of each ε."""
    for row, (_, own) in enumerate(treated.items()):
        counts = []
        for place, epsilon in enumerate(sorted(own["epsilon"].unique(), reverse=True)):
            runs = own[own["epsilon"] == epsilon]
            counts.append(f"{(runs['status'] == 'grokked').sum()}/{len(runs)}")
            height = pd.Series(float(row) + APART * place, runs.index)
            shade = style.colour(own["model"].iloc[0])  # the others are temperatures'
            marks(axis, runs, runs["end"], height, shade, ms=3.5 if place == 0 else 2)
        beside = {"on": ("axes fraction", "data"), "va": "center", "annotation_clip": False}
        write(axis, ", ".join(counts), (1.01, row), color=style.REFERENCE, **beside)
    axis.set_yticks(range(len(treated)), list(treated))
    axis.set_ylim(len(treated) - 0.5, -0.5)
    axis.set(xscale="log", xlabel="grokking step", title="which runs grok, and when")
    _few_numbers(axis.xaxis)
    axis.grid(axis="y", color="0.93", linewidth=0.5)
