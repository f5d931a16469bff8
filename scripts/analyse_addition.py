"""Measure the final weights of one addition run: a parquet file for each table.

``--only evaluation circuit`` makes the tables of these measures alone.
"""

import argparse
import sys
from pathlib import Path

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
from mechanics.models.weights import read_network
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", required=True, type=Path, nargs="+", help="one file per seed")
    parser.add_argument("--split", required=True, type=Path, nargs="+", help="parquet, per seed")
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
        splits = read_splits(arguments.split, seeds, networks[0].settings["p"])
        networks = [network.to(device).exact() for network in networks]
        for name in measures:
            write_tables(MEASURES[name](networks, splits), arguments.output)
    except (CheckpointError, ConfigError, OSError, ValueError) as error:
        sys.exit(f"analyse_addition.py: {error}")


if __name__ == "__main__":
    main()
