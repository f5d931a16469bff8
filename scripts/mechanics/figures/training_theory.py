"""The training of one linear layer from theory."""

import matplotlib.pyplot as plt
import pandas as pd

from mechanics.figures.panels import level, write
from mechanics.figures.style import PAGE, colour, drawable

ARMS = ("balanced start", "random start", "Adam, exact gradient", "Adam, noisy scale", "saddle")


def training_theory(curves: pd.DataFrame, table: pd.DataFrame) -> plt.Figure:
    """``curves``: training_theory_curves; ``table``: training_theory. A panel for each arm."""
    curves = drawable(curves)
    figure, axes = plt.subplots(1, len(ARMS), figsize=(PAGE, 2.1), sharey=True)
    longest = curves["k"].max()
    for axis, arm in zip(axes, ARMS, strict=True):
        own = curves[(curves["arm"] == arm) & ((curves["k"] == longest) | (arm == "saddle"))]
        for (name, _), line in own[own["step"] > 0].groupby(["curve", "seed"]):
            measured = name == "measured"
            shade = colour("linear_L1") if measured else "black"
            axis.plot(line["step"], line["risk"], color=shade, linewidth=1.0 if measured else 0.6)
        rows = table[(table["arm"] == arm) & ((table["k"] == longest) | (arm == "saddle"))]
        ratio = rows["measured_over_predicted"].median()
        known = pd.notna(ratio) and arm != "saddle"
        axis.set_title(f"{arm}\n{ratio:.2f} × predicted" if known else arm, fontsize=7)
        axis.set(xlabel="step", ylim=(0, 1.2))
        if arm == "saddle" and len(rows):
            height = rows["predicted"].iloc[0]
            level(axis, height)
            axis.set_title(f"{arm}\npredicted at {height:.2f}", fontsize=7)
    axes[0].set_ylabel(f"risk at k = {longest:.0f} (saddle: mean)")
    write(axes[0], "measured", (0.04, 0.16), color=colour("linear_L1"))
    write(axes[0], "predicted", (0.04, 0.05), color="black")
    return figure
