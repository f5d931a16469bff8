"""The training of one linear layer from theory.

The risk of one linear layer over its training: predicted without a free parameter (black) and
measured (colour; a line a seed). Gradient descent from a balanced start follows a closed form, from
a random start descent on the exact risk. Adam on the exact gradient learns too early; let its
second moment alone read the noise of the prompts, and most of the delay is there. From small
weights the four matrices wait where one direction has been learned (dashed: the risk there).
"""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from mechanics.figures.panels import level, write
from mechanics.figures.style import PAGE, colour, drawable

ARMS = ("balanced start", "random start", "Adam, exact gradient", "Adam, noisy scale", "saddle")


def training_theory(curves: pd.DataFrame, table: pd.DataFrame) -> Figure:
    """``curves``: training_theory_curves; ``table``: training_theory. A panel for each arm."""
    curves = drawable(curves)
    figure, axes = plt.subplots(1, len(ARMS), figsize=(PAGE, 2.3), sharey=True)
    longest = curves["k"].max()
    for axis, arm in zip(axes, ARMS, strict=True):
        own = curves[(curves["arm"] == arm) & ((curves["k"] == longest) | (arm == "saddle"))]
        for (name, _), line in own[own["step"] > 0].groupby(["curve", "seed"]):
            measured = name == "measured"
            shade = colour("linear_L1") if measured else "black"
            axis.plot(line["step"], line["risk"], color=shade, linewidth=1.0 if measured else 0.6)
        axis.set(title=arm, xlabel="step", ylim=(0, 1.2))
        if arm != "balanced start":
            axis.set_xscale("log")
        rows = table[(table["arm"] == arm) & ((table["k"] == longest) | (arm == "saddle"))]
        if arm == "saddle":
            level(axis, rows["predicted"].iloc[0])
        elif rows["measured_over_predicted"].notna().any():
            words = f"half-way: measured\nover predicted {rows['ratio'].median():.2f}"
            write(axis, words, (0.04, 0.05), ha="left", va="bottom")
    axes[0].set_ylabel(f"risk at k = {longest:.0f} (saddle: mean)")
    return figure
