"""The circuit of every addition network: key frequencies, and how much of the network they are."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from mechanics.settings import read_settings
from mechanics.tables.frames import read_analyses, write_csv

LAST = {  # column of the checkpoint analysis: its name here
    "n_final_keys": "n_keys",
    "effective_rank_W_E": "effective_rank_w_e",
    "effective_rank_W_U": "effective_rank_w_u",
    "restricted_loss_train": "restricted_loss_train",
    "restricted_loss_validation": "restricted_loss_val",
    "restricted_loss_all": "restricted_loss_all",
    "loss_all": "full_loss_all",
    "excluded_loss_train": "excluded_loss",
    "accuracy_validation_swapped": "accuracy_swapped",
    "accuracy_validation_new": "accuracy_new",
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
        "--identities", required=True, type=Path, nargs="+", help="identities.parquet, in order"
    )
    parser.add_argument(
        "--variants", required=True, help="JSON: the model that each variant's name varies"
    )
    parser.add_argument("--output", required=True, type=Path, help="CSV: a row per entry and seed")
    arguments = parser.parse_args()
    variants = read_settings(arguments.variants)
    circuit = read_analyses(arguments.runs, arguments.circuit, variants)
    progress = read_analyses(arguments.runs, arguments.progress, variants)
    identities = read_analyses(arguments.runs, arguments.identities, variants)
    write_csv(tabulate(circuit, progress, identities), arguments.output)


def tabulate(
    circuit: pd.DataFrame, progress: pd.DataFrame, identities: pd.DataFrame
) -> pd.DataFrame:
    """The measures of the final weights, with those of each seed's last checkpoint.

    ``uniform_loss`` is ln p, what guessing costs. ``accuracy_swapped`` is that on validation pairs
    (a, b) with (b, a) in training, ``accuracy_new`` on the others. ``clock_share`` is the part of
    what all circles explain of the logits that is explained by those nearer to a clock.
    """
    last = progress.loc[progress.groupby(KEYS)["step"].idxmax(), [*KEYS, "p", *LAST]]
    last = last.rename(columns=LAST).assign(uniform_loss=np.log(last["p"])).drop(columns="p")
    table = circuit.merge(last, on=KEYS, how="left", validate="1:1")
    table = table.merge(clock_share(identities), on=KEYS, how="left", validate="1:1")
    return table[[*(name for name in table if name != "entry"), "entry"]]


def clock_share(identities: pd.DataFrame) -> pd.DataFrame:
    """A mean of circles is a bad summary where one explains a hundred times what another does."""
    known = identities.dropna(subset=["q_clock", "q_pizza"])
    clocks = known["fve"].where(known["q_clock"] > known["q_pizza"], 0.0)
    shares = clocks.groupby([known[key] for key in KEYS]).sum() / known.groupby(KEYS)["fve"].sum()
    return shares.rename("clock_share").reset_index()


if __name__ == "__main__":
    main()
