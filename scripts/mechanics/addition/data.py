"""All equations a ∘ b = c (mod p) of an operation, and which of them one seed trains on."""

from pathlib import Path

import numpy as np
import pandas as pd

from mechanics.addition.operation import answer, operation_pairs, order
from mechanics.addition.pairs import swapped_in_training, training_mask
from mechanics.runtime.files import atomic


def prepare(settings: dict, output: Path, seed: int) -> None:
    """Parquet, a row per pair; ``settings``: p, train_fraction, and the operation if not add.

    ``swapped_in_training`` is about the exponents of a and b exchanged: of a subtraction that is
    (−b, −a), which has the same answer.
    """
    p, operation = settings["p"], settings.get("operation", "add")
    pairs, n = operation_pairs(p, operation), order(p, operation)
    trained = training_mask(n, settings["train_fraction"], seed)
    table = pd.DataFrame(
        {
            "seed": seed,
            "a": pairs[:, 0],
            "b": pairs[:, 1],
            "c": answer(pairs, p, operation),
            "split": np.where(trained, "train", "validation"),
            "swapped_in_training": swapped_in_training(trained, n),
        }
    )
    with atomic(output) as part:
        table.to_parquet(part, index=False)
