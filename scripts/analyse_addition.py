"""Measure the final weights of one addition run: a parquet file for each table.

``--only evaluation circuit`` makes the tables of these measures alone. Without ``--split`` it is
not known which pairs the network was trained on: the tables are then of all pairs.
"""

import argparse
import sys
from pathlib import Path

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
from mechanics.addition.as_addition import as_addition
from mechanics.addition.measures import TABLES, defined_for
from mechanics.addition.splits import expect_addition, read_splits
from mechanics.models.weights import Network, read_network
from mechanics.runtime.device import choose_device
from mechanics.settings import ConfigError
from mechanics.tables.frames import write_tables
from mechanics.training.checkpoint import CheckpointError

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
    """The tables of one measure, by their names, with the rows of every seed.

    Of all pairs alone, where the splits are not known (``None``).
    """
    rows = {table: [] for table in TABLES[name]}
    for network in networks:
        n_pairs = network.settings["p"] ** 2
        unknown = pd.DataFrame({"split": ["unknown"] * n_pairs, "swapped_in_training": False})
        split = splits[network.seed] if splits else unknown
        given = (network, split) if name in BY_PART else (network,)
        for table, own in MEASURES[name](*given).items():
            rows[table] += [{"seed": network.seed} | row for row in own]
    tables = {table: frame(own, COLUMNS.get(table)) for table, own in rows.items()}
    if splits:
        return tables
    return {n: t[t["split"] == "all"] if "split" in t else t for n, t in tables.items()}


def frame(rows: list[dict], columns: str | None) -> pd.DataFrame:
    """Rows as a table, with columns like those of ``COLUMNS``; what a row lacks is nan."""
    if columns is None:
        return pd.DataFrame(rows)
    named = [column.partition(":") for column in columns.split()]
    dtypes = {name: dtype or "float64" for name, _, dtype in named}
    return pd.DataFrame(rows, columns=list(dtypes)).astype(dtypes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", required=True, type=Path, nargs="+", help="one file per seed")
    parser.add_argument("--split", type=Path, nargs="*", help="parquet, per seed")
    parser.add_argument("--output", required=True, type=Path, help="folder of the tables")
    words = "default: all that the network has"
    parser.add_argument("--only", nargs="+", choices=MEASURES, help=words)
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    arguments = parser.parse_args()
    try:
        device = choose_device(arguments.device)
        networks = [read_network(path) for path in arguments.weights]
        for path, network in zip(arguments.weights, networks, strict=True):
            expect_addition(network.settings, path)
        measures = arguments.only or defined_for(networks[0].settings, variant=False)
        networks = [as_addition(network) for network in networks]
        seeds, p = [network.seed for network in networks], networks[0].settings["p"]
        splits = read_splits(arguments.split, seeds, p) if arguments.split else None
        networks = [network.to(device).exact() for network in networks]
        for name in measures:
            write_tables(measure(name, networks, splits), arguments.output)
    except (CheckpointError, ConfigError, OSError, ValueError) as error:
        sys.exit(f"analyse_addition.py: {error}")


if __name__ == "__main__":
    main()
