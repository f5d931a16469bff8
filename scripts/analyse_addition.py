"""Measure the final weights of one addition run: a parquet file for each table.

``--only evaluation circuit`` makes the tables of these measures alone. Without ``--split`` it is
not known which pairs the network was trained on: the tables are then of all pairs.
"""

import argparse
import sys
from pathlib import Path

from mechanics.addition.analysis import measure
from mechanics.addition.as_addition import as_addition
from mechanics.addition.measures import defined_for
from mechanics.addition.splits import read_splits
from mechanics.models.weights import read_network
from mechanics.runtime.device import choose_device
from mechanics.settings import ConfigError
from mechanics.tables.frames import write_tables
from mechanics.training.checkpoint import CheckpointError


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", required=True, type=Path, nargs="+", help="one file per seed")
    parser.add_argument("--split", type=Path, nargs="*", help="parquet, per seed")
    parser.add_argument("--output", required=True, type=Path, help="folder of the tables")
    parser.add_argument("--only", nargs="+", help="default: all that the network has")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    arguments = parser.parse_args()
    try:
        device = choose_device(arguments.device)
        networks = [read_network(path) for path in arguments.weights]
        for path, network in zip(arguments.weights, networks, strict=True):
            if (task := network.settings["task"]) != "modular_addition":
                raise ConfigError(f"{path}: task = {task}: expected modular_addition")
        defined = defined_for(networks[0].settings, variant=False)
        if unfit := set(arguments.only or []) - set(defined):
            words = f"no measure {', '.join(sorted(unfit))} of such a network"
            raise ConfigError(f"{arguments.weights[0]}: {words}: expected {', '.join(defined)}")
        networks = [as_addition(network) for network in networks]
        seeds, p = [network.seed for network in networks], networks[0].settings["p"]
        splits = read_splits(arguments.split, seeds, p) if arguments.split else None
        networks = [network.to(device).exact() for network in networks]
        for name in arguments.only or defined:
            write_tables(measure(name, networks, splits), arguments.output)
    except (CheckpointError, ConfigError, OSError, ValueError) as error:
        sys.exit(f"analyse_addition.py: {error}")


if __name__ == "__main__":
    main()
