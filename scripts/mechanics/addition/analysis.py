"""What is measured of final addition networks, as tables with the rows of every seed."""

from importlib import import_module

import pandas as pd

from mechanics.addition.measures import TABLES
from mechanics.models.weights import Network
from mechanics.tables.contents import module_of

BY_PART = ("evaluation", "ablation")  # of the pairs: called with the network's split, too


def measure(
    name: str, networks: list[Network], splits: dict[int, pd.DataFrame] | None = None
) -> dict[str, pd.DataFrame]:
    """The tables of one measure, by their names.

    Its module's function ``measure``, called with a network in float64, gives the rows without the
    seed. ``COLUMNS`` there says of tables that may lack rows or values which columns they have.
    Of all pairs alone, where the splits are not known (``None``).
    """
    module = import_module(module_of("modular_addition", name))
    columns = getattr(module, "COLUMNS", {})
    rows = {table: [] for table in TABLES[name]}
    for network in networks:
        split = splits[network.seed] if splits else None
        given = (network, split) if name in BY_PART else (network,)
        for table, own in module.measure(*given).items():
            rows[table] += [{"seed": network.seed} | row for row in own]
    return {table: frame(own, columns.get(table)) for table, own in rows.items()}


def frame(rows: list[dict], columns: str | None) -> pd.DataFrame:
    """Rows as a table; what a row lacks is nan. ``columns``: "name:dtype name …", else float64."""
    if columns is None:
        return pd.DataFrame(rows)
    named = [column.partition(":") for column in columns.split()]
    dtypes = {name: dtype or "float64" for name, _, dtype in named}
    return pd.DataFrame(rows, columns=list(dtypes)).astype(dtypes)
