"""All p² equations a + b = c (mod p), and which of them one seed trains on."""

from pathlib import Path

import numpy as np
import pandas as pd

from mechanics.addition.pairs import all_pairs, swapped_in_training, targets, training_mask
from mechanics.runtime.files import atomic


def prepare(settings: dict, output: Path, seed: int) -> None:
    """Parquet, a row per pair; ``settings``: p, train_fraction."""
    p = settings["p"]
    pairs = all_pairs(p)
    trained = training_mask(p, settings["train_fraction"], seed)
    table = pd.DataFrame(
        {
            "seed": seed,
            "a": pairs[:, 0],
            "b": pairs[:, 1],
            "c": targets(pairs, p),
            "split": np.where(trained, "train", "validation"),
            "swapped_in_training": swapped_in_training(trained, p),
        }
    )
    with atomic(output) as part:
        table.to_parquet(part, index=False)
