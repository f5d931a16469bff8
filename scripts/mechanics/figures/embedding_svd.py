r"""Singular values of the embedding.

Singular values of the numbers' centred embeddings, the largest as 1, a line per seed. A circle
takes two directions: if W_E holds one for every key frequency and little else, the values stay high
up to number 2\|K\|, ringed, and drop behind it. Triangles: the frequencies that pass the key rule
in W_E itself, where they are others; a deep network has those alone.
"""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from mechanics.figures.circuit_panels import key_list, of_seed
from mechanics.figures.panels import models_of
from mechanics.figures.style import PAGE, colour, drawable, label, note_diverged

N_COMPONENTS = 30  # of the singular values; the rest is a flat tail


def embedding_svd(embedding: pd.DataFrame, circuit: pd.DataFrame) -> Figure:
    """The tables of these names; a panel per model."""
    kept = drawable(circuit)
    models = models_of(kept)
    figure, axes = plt.subplots(
        1, len(models), figsize=(PAGE, 2.3), sharex=True, sharey=True, squeeze=False
    )
    values = embedding[embedding["kind"] == "singular_value"]
    for model, axis in zip(models, axes[0], strict=True):
        counts, own_counts = [], []
        for row in kept[kept["model"] == model].itertuples():
            own = of_seed(values, model, row.seed)
            own = own[own["index"] <= N_COMPONENTS]
            relative, shade = own["value"] / own["value"].max(), colour(model, models)
            axis.plot(own["index"], relative, ".-", color=shade, ms=3, linewidth=0.8)
            n_directions = 2 * len(key_list(row.key_frequencies))
            counts.append(n_directions)
            own_counts.append(2 * len(key_list(row.keys_w_e)))
            for marker, n in (("^", own_counts[-1]), ("o", n_directions)):
                if marker == "o" or n != n_directions:
                    at, style = own["index"] == n, {"color": "black", "mfc": "none", "ms": 6}
                    axis.plot(own["index"][at], relative[at], marker, **style)
        words, own_words = (
            ", ".join(str(n) if n else "–" for n in found) for found in (counts, own_counts)
        )
        axis.set_title(f"{label(model)}\n○ 2|K| = {words}\n△ 2|K$_E$| = {own_words}", fontsize=7)
        axis.set_xlabel("component")
        axis.set_ylim(bottom=0)
    axes[0, 0].set_ylabel("singular value / largest")
    note_diverged(figure, circuit)
    return figure
