"""A panel for every addition network and seed, and its key frequencies."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from mechanics.figures.style import (
    PAGE,
    label,
    note_diverged,
)
from mechanics.tables.frames import sound

SHORT_ROW = 3  # panels; the titles of more would touch


def key_list(listed: str) -> list[int]:
    """Key frequencies from a row of ``circuit``; empty if it has none."""
    return [int(k) for k in listed.split()]


def seed_panels(circuit: pd.DataFrame, height: float) -> tuple[Figure, dict, pd.DataFrame]:
    """A row of axes per model and a column per seed that did not diverge, titled.

    Returns the figure, {(model, seed): axis} and the rows of ``circuit`` by (model, seed).
    """
    kept = sound(circuit)
    models = list(dict.fromkeys(kept["model"]))
    seeds = {model: sorted(own["seed"]) for model, own in kept.groupby("model")}
    n_columns = max(len(own) for own in seeds.values())
    figure, axes = plt.subplots(
        len(models),
        n_columns,
        figsize=(PAGE, height * len(models) + 0.3),
        sharex=True,
        sharey="row",
        squeeze=False,
    )
    found = {}
    for row, model in enumerate(models):
        for column, axis in enumerate(axes[row]):
            if column >= len(seeds[model]):
                axis.set_visible(False)
                continue
            name = f"{label(model)}, seed {seeds[model][column]}"
            axis.set_title(name, fontsize=8 if n_columns <= SHORT_ROW else 6.5)
            found[model, seeds[model][column]] = axis
    note_diverged(figure, circuit)
    return figure, found, kept.set_index(["model", "seed"])
