"""Draw one figure of Track B from its tables."""

import argparse
from pathlib import Path

from mechanics.figures import style
from mechanics.figures.attention_maps_addition import attention_maps_addition
from mechanics.figures.embedding import embedding_circles, embedding_spectrum, embedding_svd
from mechanics.figures.frequency_ablation import frequency_ablation
from mechanics.figures.grokking_runs import weight_decay_survival, weight_norm
from mechanics.figures.neuron_frequencies import logit_identities, neuron_frequencies
from mechanics.figures.neuron_patching import neuron_patching
from mechanics.figures.parsimony import parsimony
from mechanics.figures.progress_measures import progress_measures
from mechanics.tables import read_table

FIGURES = {
    function.__name__: function
    for function in (
        progress_measures,
        weight_norm,
        weight_decay_survival,
        embedding_spectrum,
        embedding_svd,
        embedding_circles,
        neuron_frequencies,
        logit_identities,
        neuron_patching,
        frequency_ablation,
        parsimony,
        attention_maps_addition,
    )
}

OF_ALL_ARMS = ("weight_norm", "weight_decay_survival")  # the others show main configurations


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figure", required=True, choices=FIGURES)
    parser.add_argument(
        "--tables", required=True, type=Path, nargs="+", help="in the order of its arguments"
    )
    parser.add_argument("--output", required=True, type=Path, help="folder of the figures")
    arguments = parser.parse_args()
    style.use_style()
    tables = map(read_table, arguments.tables)
    if arguments.figure not in OF_ALL_ARMS:
        tables = (table[table["arm"] == "main"] for table in tables)
    figure = FIGURES[arguments.figure](*tables)
    style.save(figure, arguments.output, arguments.figure)


if __name__ == "__main__":
    main()
