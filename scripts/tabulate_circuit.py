"""The circuit of every addition network: key frequencies, and how much of the network they are."""

import argparse
from pathlib import Path

import pandas as pd

from mechanics.settings import read_settings
from mechanics.tables import read_analyses, write_csv

LOSSES = {  # column of the checkpoint analysis: its name here
    "restricted_loss_train": "restricted_loss_train",
    "restricted_loss_validation": "restricted_loss_val",
    "restricted_loss_all": "restricted_loss_all",
    "loss_all": "full_loss_all",
    "excluded_loss_train": "excluded_loss",
}
KEYS = ["entry", "seed"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", required=True, type=Path, nargs="+", help="folders of the runs")
    parser.add_argument(
        "--circuit", required=True, type=Path, nargs="+", help="circuit.parquet, in order"
    )
    parser.add_argument(
        "--progress", required=True, type=Path, nargs="+", help="progress.parquet, in order"
    )
    parser.add_argument(
        "--variants", required=True, help="JSON: the model that each variant's name varies"
    )
    parser.add_argument("--output", required=True, type=Path, help="CSV: a row per entry and seed")
    arguments = parser.parse_args()
    variants = read_settings(arguments.variants)
    circuit = read_analyses(arguments.runs, arguments.circuit, variants)
    progress = read_analyses(arguments.runs, arguments.progress, variants)
    write_csv(tabulate(circuit, progress), arguments.output)


def tabulate(circuit: pd.DataFrame, progress: pd.DataFrame) -> pd.DataFrame:
    """The measures of the final weights, with the losses of each seed's last checkpoint."""
    last = progress.loc[progress.groupby(KEYS)["step"].idxmax(), [*KEYS, *LOSSES]]
    table = circuit.merge(last.rename(columns=LOSSES), on=KEYS, how="left", validate="1:1")
    return table[[*(name for name in table if name != "entry"), "entry"]]


if __name__ == "__main__":
    main()
