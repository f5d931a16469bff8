"""The training of one linear layer from theory."""

import matplotlib.pyplot as plt
import pandas as pd

from mechanics.figures.panels import level, rows_of, write
from mechanics.figures.style import PAGE, colour, drawable

ARMS = ("balanced start", "random start", "Adam, exact gradient", "Adam, noisy scale", "saddle")


def training_theory(curves: pd.DataFrame, table: pd.DataFrame) -> plt.Figure:
    """``curves``: training_theory_curves; ``table``: training_theory. A panel for each arm."""
    curves = drawable(curves)
    figure, axes = plt.subplots(1, len(ARMS), figsize=(PAGE, 2.1), sharey=True)
    longest = curves["k"].max()
    for axis, arm in zip(axes, ARMS, strict=True):
        at_k = {} if arm == "saddle" else {"k": longest}
        own, rows = (rows_of(frame, arm=arm, **at_k) for frame in (curves, table))
        for (name, _), line in own[own["step"] > 0].groupby(["curve", "seed"]):
            measured = name == "measured"
            shade = colour("linear_L1") if measured else "black"
            axis.plot(line["step"], line["risk"], color=shade, linewidth=1.0 if measured else 0.6)
        words, ratio = arm, rows["measured_over_predicted"].median()
        if arm == "saddle" and len(rows):
            height = rows["predicted"].iloc[0]
            level(axis, height)
            words += f"\npredicted at {height:.2f}"
        elif pd.notna(ratio):
            words += f"\n{ratio:.2f} × predicted"
        axis.set_title(words, fontsize=7)
        axis.set(xlabel="step", ylim=(0, 1.2))
    axes[0].set_ylabel(f"risk at k = {longest:.0f} (saddle: mean)")
    write(axes[0], "measured", (0.04, 0.16), color=colour("linear_L1"))
    write(axes[0], "predicted", (0.04, 0.05), color="black")
    return figure
