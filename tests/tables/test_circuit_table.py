"""The circuit's row has the losses of the seed's last checkpoint."""

import math

import pandas as pd

from mechanics.tables.circuit import tabulate


def test_losses_are_those_of_the_last_checkpoint_of_the_same_seed_and_entry():
    circuit = pd.DataFrame(
        {"model": "m", "seed": [0, 1, 0], "key_frequencies": ["3 5", "", "7"]}
        | {"entry": ["a", "a", "b"]}
    )
    checkpoints = [("a", 0, 0, 9.0), ("a", 0, 20, 1.0), ("a", 1, 10, 2.0)]
    checkpoints += [("a", 1, 5, 8.0), ("b", 0, 30, 3.0)]
    progress = pd.DataFrame(checkpoints, columns=["entry", "seed", "step", "loss_all"])
    loss = progress["loss_all"]
    progress = progress.assign(p=11, restricted_loss_all=loss / 4)
    progress = progress.assign(excluded_loss_train=5 * loss, accuracy_validation_new=loss / 10)
    table = tabulate(circuit, progress)
    assert table["full_loss_all"].tolist() == [1.0, 2.0, 3.0]
    assert table["excluded_loss"].tolist() == [5.0, 10.0, 15.0]
    assert table["restricted_loss_all"].tolist() == [1 / 4, 2 / 4, 3 / 4]
    assert table["n_keys"].tolist() == [2, 0, 1]
    assert table["accuracy_new"].tolist() == [0.1, 0.2, 0.3]
    assert table["uniform_loss"].tolist() == [math.log(11)] * 3
    assert table.columns[-1] == "entry"
