"""Training curves: grokking."""

import matplotlib.pyplot as plt
import pandas as pd

from mechanics.figures import panels, style

LOWEST = 1e-9  # nats: smaller losses are drawn as this
MEASURED = {"restricted_loss_all": ("restricted", style.OTHERS[1])}
MEASURED |= {"excluded_loss_train": ("excluded", style.OTHERS[0])}
SPLITS = {"train": ("training pairs", 0.9), "validation": ("validation pairs", 0.78)}


def grokking_curves(
    history: pd.DataFrame, grokking: pd.DataFrame, progress: pd.DataFrame
) -> plt.Figure:
    """``history``: model, seed, step, split, loss, accuracy; ``progress``: progress_measures.

    ``grokking``: the table. A column for each network.
    """
    models = panels.models_of(style.drawable(grokking))
    shape = {"figsize": (style.PAGE, 4.7), "sharex": "col", "sharey": "row", "squeeze": False}
    figure, axes = plt.subplots(3, len(models), height_ratios=[1, 1.3, 0.9], **shape)
    for (upper, middle, lower), model in zip(axes.T, models, strict=True):
        own, runs = history[history["model"] == model], grokking[grokking["model"] == model]
        measured = progress[progress["model"] == model].sort_values("step")
        own = own.assign(loss=own["loss"].clip(lower=LOWEST))
        panels.losses_axis(middle)
        for split, lines in own.groupby("split"):
            look = {"color": style.COLOURS[split], "linewidth": 0.8, "alpha": 0.8}
            panels.each_seed(upper, lines, "step", "accuracy", **look)
            panels.each_seed(middle, lines, "step", "loss", **look)
        shown, ends = measured[measured["seed"] == panels.shown_seed(grokking, model)], {}
        for column, (name, shade) in MEASURED.items():
            line = shown[column].clip(lower=LOWEST)
            middle.plot(shown["step"], line, color=shade, linewidth=1.1)
            ends[name] = panels.last(line), shade
        if model == models[0]:  # the colours are the same in all columns
            panels.label_ends(middle, ends)
        # black: the colours of two networks are those of the splits above
        panels.each_seed(lower, measured, "step", "norm_squared", color="black", lw=0.8)
        for axis in (upper, middle, lower):
            for step in runs["grokking_step"].dropna():
                axis.axvline(step, color=style.REFERENCE, linestyle=":", lw=0.8, zorder=0)
        upper.set_title(f"{style.label(model)}\n{in_words(runs)}")
        lower.set(xlabel="training step", xlim=(0, None))
        lower.xaxis.set_major_formatter(style.in_thousands)
        lower.yaxis.set_major_formatter(style.in_thousands)
    for axis, words in zip(axes[:, 0], ("accuracy", "cross-entropy, nats", "Σθ²"), strict=True):
        axis.set_ylabel(words)
    for split, (words, height) in SPLITS.items():
        panels.write(
            axes[0, -1], words, (0.97, height - 0.5), color=style.colour(split), size=7, ha="right"
        )
    axes[2, 0].set_ylim(0, None)
    style.note_diverged(figure, grokking)
    return figure


def in_words(runs: pd.DataFrame) -> str:
    """When the seeds of one network knew their training pairs, and when they grokked."""
    grokked = runs.dropna(subset="grokking_step")
    if grokked.empty:
        return "does not grok in its budget"
    some = "" if len(grokked) == len(runs) else f" ({len(grokked)}/{len(runs)})"
    memorised = grokked["memorised_step"].dropna()
    known = f"memorises by {memorised.max():,.0f},\n" if len(memorised) else ""
    ends = sorted({int(grokked["grokking_step"].min()), int(grokked["grokking_step"].max())})
    return f"{known}groks at {'–'.join(f'{end:,}' for end in ends)}{some}"
