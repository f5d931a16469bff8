"""A panel for every addition network and seed, and its key frequencies.

The frames are the tables circuit, embedding, embedding_circles, neuron_frequencies and
logit_identities; diverged seeds are left out and said so.
"""

import pandas as pd
from matplotlib.figure import Figure

from mechanics.figures.panels import models_of, rows_of_panels
from mechanics.figures.style import drawable, label, note_diverged

SHORT_ROW = 3  # panels; the titles of more would touch


def key_list(listed: str) -> list[int]:
    """Key frequencies from a row of ``circuit``; empty if it has none."""
    return [int(k) for k in listed.split()]


def seed_panels(circuit: pd.DataFrame, height: float) -> tuple[Figure, dict, pd.DataFrame]:
    """A row of axes per model and a column per seed that did not diverge, titled.

    Returns the figure, {(model, seed): axis} and the rows of ``circuit`` by (model, seed).
    """
    kept = drawable(circuit)
    models = models_of(kept)
    seeds = {model: sorted(own["seed"]) for model, own in kept.groupby("model")}
    n_columns = max(len(own) for own in seeds.values())
    figure, axes = rows_of_panels(len(models), n_columns, height, 0.3, sharex=True, sharey="row")
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


def of_seed(frame: pd.DataFrame, model: str, seed: int) -> pd.DataFrame:
    return frame[(frame["model"] == model) & (frame["seed"] == seed)]
