"""Measure the final weights of one addition run: a parquet file for each table.

``--only evaluation circuit`` makes the tables of these measures alone. Without ``--split`` it is
not known which pairs the network was trained on: the tables are then of all pairs.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

from mechanics.addition.as_addition import as_addition
from mechanics.addition.attention import attention
from mechanics.addition.circuit import circuit
from mechanics.addition.embedding_ablation import embedding_ablation
from mechanics.addition.evaluation import evaluation
from mechanics.addition.frequency_ablation import frequency_ablation
from mechanics.addition.measures import defined_for
from mechanics.addition.patched import patched
from mechanics.addition.phase_law import phase_law
from mechanics.addition.splits import expect_addition, read_splits
from mechanics.addition.sum_in_stream import sum_in_stream
from mechanics.addition.wrap_around import wrap_around
from mechanics.models.weights import Network, read_network
from mechanics.runtime.device import choose_device
from mechanics.settings import ConfigError
from mechanics.tables.frames import write_tables
from mechanics.training.checkpoint import CheckpointError

# Called with the networks of the seeds, in float64, and their splits; the tables by their names.
MEASURES = {
    "evaluation": lambda networks, splits: {"evaluation": evaluation(networks, splits)},
    "circuit": circuit,  # and identities, circles, embedding, neurons
    "patching": patched,  # patched_neurons, patched_groups
    "ablation": frequency_ablation,  # and parsimony
    "embedding_ablation": lambda networks, splits: {
        "embedding_ablation": embedding_ablation(networks, splits)
    },
    "attention": lambda networks, splits: {"attention": attention(networks)},
    "sum_in_stream": sum_in_stream,  # and sum_exchange
    "phase_law": phase_law,  # and neuron_phases
    "wrap_around": lambda networks, splits: {"wrap_around": wrap_around(networks, splits)},
}


def measure(
    name: str, networks: list[Network], splits: dict[int, pd.DataFrame] | None
) -> dict[str, pd.DataFrame]:
    """The tables of one measure; of all pairs alone, where the splits are not known (``None``)."""
    if splits is not None:
        return MEASURES[name](networks, splits)
    p = networks[0].settings["p"]
    unknown = pd.DataFrame({"split": ["unknown"] * p**2, "swapped_in_training": False})
    tables = MEASURES[name](networks, dict.fromkeys((own.seed for own in networks), unknown))
    return {n: t[t["split"] == "all"] if "split" in t else t for n, t in tables.items()}


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
        seeds = [network.seed for network in networks]
        p, splits = networks[0].settings["p"], None
        if arguments.split:
            splits = read_splits(arguments.split, seeds, p)
        networks = [network.to(device).exact() for network in networks]
        for name in measures:
            write_tables(measure(name, networks, splits), arguments.output)
    except (CheckpointError, ConfigError, OSError, ValueError) as error:
        sys.exit(f"analyse_addition.py: {error}")


if __name__ == "__main__":
    main()
