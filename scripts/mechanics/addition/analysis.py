"""What is measured of final addition networks, as tables with the rows of every seed."""

import pandas as pd

from mechanics.addition import (
    attention,
    circuit,
    embedding_ablation,
    evaluation,
    frequency_ablation,
    patched,
    phase_law,
    sum_in_stream,
    wrap_around,
)
from mechanics.addition.measures import TABLES
from mechanics.models.weights import Network

# Called with one network, in float64: the rows of its tables, without the seed.
MEASURES = {
    "evaluation": evaluation.measure,
    "circuit": circuit.measure,
    "patching": patched.measure,
    "ablation": frequency_ablation.measure,
    "embedding_ablation": embedding_ablation.measure,
    "attention": attention.measure,
    "sum_in_stream": sum_in_stream.measure,
    "phase_law": phase_law.measure,
    "wrap_around": wrap_around.measure,
}
BY_PART = ("evaluation", "ablation")  # of the pairs: called with the network's split, too
# Of tables that may lack rows or values: "name:dtype name …", float64 where no dtype is given.
COLUMNS = circuit.COLUMNS | sum_in_stream.COLUMNS | phase_law.COLUMNS | wrap_around.COLUMNS


def measure(
    name: str, networks: list[Network], splits: dict[int, pd.DataFrame] | None = None
) -> dict[str, pd.DataFrame]:
    """The tables of one measure, by their names.

    Of all pairs alone, where the splits are not known (``None``).
    """
    rows = {table: [] for table in TABLES[name]}
    for network in networks:
        split = splits[network.seed] if splits else None
        given = (network, split) if name in BY_PART else (network,)
        for table, own in MEASURES[name](*given).items():
            rows[table] += [{"seed": network.seed} | row for row in own]
    return {table: frame(own, COLUMNS.get(table)) for table, own in rows.items()}


def frame(rows: list[dict], columns: str | None) -> pd.DataFrame:
    """Rows as a table, with columns like those of ``COLUMNS``; what a row lacks is nan."""
    if columns is None:
        return pd.DataFrame(rows)
    named = [column.partition(":") for column in columns.split()]
    dtypes = {name: dtype or "float64" for name, _, dtype in named}
    return pd.DataFrame(rows, columns=list(dtypes)).astype(dtypes)
