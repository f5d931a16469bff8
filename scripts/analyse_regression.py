"""Measure the final weights of one regression run: a parquet file for each table.

``--only evaluation filters`` makes the tables of these measures alone; without it all that are
defined for the network are made (``mechanics/regression/measures.py``).
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path

from mechanics.models.weights import read_network
from mechanics.regression.held_out import expect_regression, read_held_out
from mechanics.regression.measures import defined_for
from mechanics.runtime.device import choose_device
from mechanics.settings import ConfigError
from mechanics.tables.contents import module_of
from mechanics.tables.frames import write_tables
from mechanics.training.checkpoint import CheckpointError


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", required=True, type=Path, nargs="+", help="one file per seed")
    parser.add_argument("--prompts", required=True, type=Path, help="the held-out prompts")
    parser.add_argument("--output", required=True, type=Path, help="folder of the tables")
    parser.add_argument("--only", nargs="+", help="default: all that the network has")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    arguments = parser.parse_args()
    try:
        device = choose_device(arguments.device)
        networks = [read_network(path).to(device) for path in arguments.weights]
        held_out = read_held_out(arguments.prompts, device, networks[0].settings)
        for path, network in zip(arguments.weights, networks, strict=True):
            expect_regression(network, held_out, path)
        defined = defined_for(networks[0].settings)
        if unfit := set(arguments.only or []) - set(defined):
            words = f"no measure {', '.join(sorted(unfit))} of such a network"
            raise ConfigError(f"{arguments.weights[0]}: {words}: expected {', '.join(defined)}")
        for name in arguments.only or defined:
            measure = getattr(import_module(module_of("linear_regression", name)), name)
            found = measure(networks, held_out)  # its one table, or several by their names
            tables = found if isinstance(found, dict) else {name: found}
            write_tables(tables, arguments.output)
    except (CheckpointError, ConfigError, OSError, ValueError) as error:
        sys.exit(f"analyse_regression.py: {error}")


if __name__ == "__main__":
    main()
