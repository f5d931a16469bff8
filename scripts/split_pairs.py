"""Write all p² equations a + b = c (mod p) and which of them one seed trains on."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from mechanics.addition.pairs import (
    all_pairs,
    swapped_in_training,
    targets,
    training_mask,
)
from mechanics.runtime.files import atomic
from mechanics.settings import read_settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", required=True, help="JSON: p, train_fraction")
    parser.add_argument("--seed", required=True, type=int)
    parser.add_argument("--output", required=True, type=Path, help="parquet, one row per pair")
    arguments = parser.parse_args()
    settings = read_settings(arguments.settings)
    p = settings["p"]
    pairs = all_pairs(p)
    trained = training_mask(p, settings["train_fraction"], arguments.seed)
    table = pd.DataFrame(
        {
            "seed": arguments.seed,
            "a": pairs[:, 0],
            "b": pairs[:, 1],
            "c": targets(pairs, p),
            "split": np.where(trained, "train", "validation"),
            "swapped_in_training": swapped_in_training(trained, p),
        }
    )
    with atomic(arguments.output) as part:
        table.to_parquet(part, index=False)


if __name__ == "__main__":
    main()
