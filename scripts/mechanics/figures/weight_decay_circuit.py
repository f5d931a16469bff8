"""Weight decay and simplicity.

How simple the final network is, by weight decay and arm: key frequencies by rule, the share of the
logits that they carry, effective rank of the embedding, squared norm of all weights. Open: runs
that did not grok. A number of keys says something only where they carry the logits.
"""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mechanics.figures.decay_groups import GROUP, by_group, group_colours, rows_of_models
from mechanics.figures.panels import rows_of_panels, write
from mechanics.figures.style import label, note_diverged

ALL_ARMS = True  # not the main configurations alone
DECADE = 10  # an axis of less has no powers of ten to show
CIRCUIT_PANELS = {  # column: label
    "n_keys": "key frequencies, by rule",
    "logit_fve": "logit FVE by the keys",
    "effective_rank_w_e": "effective rank of W$_E$",
    "norm_squared_final": "Σθ² at the end",
}


def weight_decay_circuit(grokking: pd.DataFrame, circuit: pd.DataFrame) -> Figure:
    """The tables of these names. A row for each model as in ``weight_decay_survival``."""
    keys = [*GROUP, "seed"]
    measures = [column for column in CIRCUIT_PANELS if column in circuit]
    table = grokking.merge(circuit[[*keys, *measures]], on=keys, how="left", validate="1:1")
    rows = rows_of_models(table)
    figure, axes = rows_of_panels(len(rows), len(CIRCUIT_PANELS), 2.0, 0.4)
    for panels, (model, own) in zip(axes, rows.items(), strict=True):
        colours = group_colours(own)
        for axis, (column, name) in zip(panels, CIRCUIT_PANELS.items(), strict=True):
            by_group(axis, own, column, colours)
            axis.set_ylabel(name)
            if own[column].isna().all():
                write(axis, "no keys", (0.5, 0.5), ha="center", color=None, size=None)
        panels[0].set_ylim(-0.3, own["n_keys"].clip(lower=3).fillna(3).max() + 0.5)
        panels[0].yaxis.set_major_locator(MaxNLocator(5, integer=True))
        panels[1].set_ylim(-0.03, 1.06)
        norm = own["norm_squared_final"]
        if norm.max() > DECADE * norm.min():
            panels[3].set_yscale("log")
        panels[0].set_title(label(model), loc="left")
    note_diverged(figure, table[table["model"].isin(list(rows))])
    return figure
