"""The circuit of every addition network: key frequencies, and how much of the network they are."""

import numpy as np
import pandas as pd

from mechanics.tables.study import Study

LAST = {  # column of the checkpoint analysis: its name here
    "restricted_loss_all": "restricted_loss_all",
    "loss_all": "full_loss_all",
    "excluded_loss_train": "excluded_loss",
    "accuracy_validation_new": "accuracy_new",
}
KEYS = ["entry", "seed"]


def tables(study: Study) -> dict[str, pd.DataFrame]:
    """``circuit``: a row per entry and seed."""
    names = ("circuit", "progress")
    return {"circuit": tabulate(*(study.gather("modular_addition", name) for name in names))}


def tabulate(circuit: pd.DataFrame, progress: pd.DataFrame) -> pd.DataFrame:
    """The measures of the final weights, with those of each seed's last checkpoint.

    ``n_keys`` counts the key frequencies, ``uniform_loss`` is ln p, what guessing costs, and
    ``accuracy_new`` that on validation pairs trained on in neither order.
    """
    last = progress.loc[progress.groupby(KEYS)["step"].idxmax(), [*KEYS, "p", *LAST]]
    last = last.rename(columns=LAST).assign(uniform_loss=np.log(last["p"])).drop(columns="p")
    circuit = circuit.assign(n_keys=circuit["key_frequencies"].str.split().str.len())
    table = circuit.merge(last, on=KEYS, how="left", validate="1:1")
    return table[[*(name for name in table if name != "entry"), "entry"]]
