"""The circuit's row has the losses of the seed's last checkpoint."""

import math

import pandas as pd
import pytest

from mechanics.tables.circuit import tabulate


def test_losses_are_those_of_the_last_checkpoint_of_the_same_seed_and_entry():
    circuit = pd.DataFrame(
        {"model": "m", "seed": [0, 1, 0], "key_frequencies": ["3 5", "", "7"]}
        | {"entry": ["a", "a", "b"]}
    )
    progress = pd.DataFrame(
        [
            {"entry": entry, "seed": seed, "step": step, "loss_all": loss, "p": 11}
            | {"n_final_keys": step, "accuracy_validation_swapped": 0.5}
            | {"effective_rank_W_E": 9.0, "effective_rank_W_U": 8.0}
            | {"accuracy_validation_new": loss / 10}
            | {"restricted_loss_train": loss / 2, "restricted_loss_validation": loss / 3}
            | {"restricted_loss_all": loss / 4, "excluded_loss_train": 5 * loss}
            for entry, seed, step, loss in (
                *(("a", 0, 0, 9.0), ("a", 0, 20, 1.0), ("a", 1, 10, 2.0)),
                *(("a", 1, 5, 8.0), ("b", 0, 30, 3.0)),
            )
        ]
    )
    circles = [("a", 0.6, 0.9, 0.8), ("a", 0.2, 0.7, 0.9), ("a", 0.1, math.nan, math.nan)]
    identities = pd.DataFrame(circles, columns=["entry", "fve", "q_clock", "q_pizza"])
    table = tabulate(circuit, progress, identities.assign(seed=0))
    assert table["clock_share"].tolist() == pytest.approx([0.75, math.nan, math.nan], nan_ok=True)
    assert table["full_loss_all"].tolist() == [1.0, 2.0, 3.0]
    assert table["excluded_loss"].tolist() == [5.0, 10.0, 15.0]
    assert table["restricted_loss_val"].tolist() == [1 / 3, 2 / 3, 1.0]
    assert table["n_keys"].tolist() == [20, 10, 30]
    assert table["accuracy_new"].tolist() == [0.1, 0.2, 0.3]
    assert table["uniform_loss"].tolist() == [math.log(11)] * 3
    assert table.columns[-1] == "entry"
