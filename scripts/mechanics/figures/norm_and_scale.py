"""Neither norm nor temperature alone.

Left: grokking step of networks held at a norm, against the scale of the logits that their loss saw
when they had memorised, the temperature taken out; if the scale alone decided, the three shapes
would lie on one curve. Right: arms that hold or lower the norm, or give the loss a temperature, and
the restart of Adam alone (sham). Open: runs that did not grok, at their last step; crosses: those
that stalled.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mechanics.figures.norm_dose_response import ends, epsilon_colours, legend
from mechanics.figures.style import drawable, note_diverged, ordered, strip_of_panels

ALL_ARMS = True  # not the main configurations alone
SHAPES = ("v", "o", "^", "s", "D")  # of the temperatures, the lowest first
ARMS = {  # of the table: as it is called
    "main": "weight decay",
    "held_norm": "initial norm held",
    "orthogonal_gradient": "⊥Grad",
    "initial_norm": "scaled to it once memorised",
    "fixed_norm": "memorised norm held",
    "temperature": "… and a temperature",
    "sham": "… and a restart (sham)",
    "no_decay": "decay off",
}


def norm_and_scale(norm_dose: pd.DataFrame) -> Figure:
    """The table of this name."""
    runs = drawable(norm_dose)
    runs = runs[runs["model"] == runs["model"].iloc[0]]
    figure, (left, right) = strip_of_panels(2, [1.2, 1.0])
    figure.set_figheight(3.0)
    _scales(left, runs[runs["arm"] == "held_norm"])
    _arms(right, runs)
    legend(figure, epsilon_colours(runs))
    note_diverged(figure, norm_dose)
    return figure


def _scales(axis: Axes, held: pd.DataFrame) -> None:
    held = held[held["status"] == "grokked"]
    held = held.assign(scale=held["logit_scale_memorised"] / held["temperature"])
    factors = sorted(held["norm_factor"].unique())
    shades = dict(zip(factors, ordered(len(factors)), strict=True))
    for shape, (temperature, own) in zip(SHAPES, held.groupby("temperature"), strict=False):
        colours = [shades[factor] for factor in own["norm_factor"]]
        axis.scatter(own["scale"], own["grokking_step"], marker=shape, c=colours, s=14)
        handle = Line2D([], [], marker=shape, color="0.2", linestyle="none", ms=4)
        handle.set_label(f"divided by {temperature:g}")
        axis.add_line(handle)
    axis.set(xlabel="scale of the logits in the loss, when memorised", ylabel="grokking step")
    if len(held):
        axis.set(xscale="log", yscale="log")
        axis.legend(frameon=False, title="logits", fontsize=6, title_fontsize=6)
    axis.set_title("darker: held at a larger norm")


def _arms(axis: Axes, runs: pd.DataFrame) -> None:
    plain = (runs["norm_factor"] == 1) & ((runs["temperature"] == 1) | (runs["arm"] != "held_norm"))
    colours = epsilon_colours(runs)
    shown = [name for name in ARMS if (runs["arm"] == name).any()]
    for place, name in enumerate(shown):
        for shift, (epsilon, shade) in enumerate(colours.items()):
            own = runs[plain & (runs["arm"] == name) & (runs["epsilon"] == epsilon)]
            ends(axis, own.assign(x=place + 0.25 * shift), "x", shade)
    words = [ARMS[name] for name in shown]
    axis.set_xticks(range(len(shown)), words, rotation=40, ha="right", rotation_mode="anchor")
    axis.set(yscale="log", ylabel="grokking step")
