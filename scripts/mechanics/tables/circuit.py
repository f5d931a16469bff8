"""The circuit of every addition network: key frequencies, and how much of the network they are."""

import numpy as np
import pandas as pd

from mechanics.tables.study import Study

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


def tables(study: Study) -> dict[str, pd.DataFrame]:
    """``circuit``: a row per entry and seed."""
    names = ("circuit", "progress", "identities")
    return {"circuit": tabulate(*(study.gather("modular_addition", name) for name in names))}


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
