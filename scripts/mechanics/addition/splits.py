"""Which pairs a seed trains on, as the data stage wrote it, and the parts that are told apart."""

from pathlib import Path

import pandas as pd
import torch
from jaxtyping import Bool
from torch import Tensor

from mechanics.settings import ConfigError


def members(split: pd.DataFrame | None, n_pairs: int) -> dict[str, Bool[Tensor, "pair"]]:
    """Which pairs belong to which part; all, where the split is not known."""
    every = torch.ones(n_pairs, dtype=torch.bool)
    if split is None:
        return {"all": every}
    trained = torch.tensor((split["split"] == "train").to_numpy())
    swapped = torch.tensor(split["swapped_in_training"].to_numpy())  # (b, a) is in training
    return {
        "all": every,
        "train": trained,
        "validation": ~trained,
        "validation_swapped": ~trained & swapped,
        "validation_new": ~trained & ~swapped,
    }


def read_splits(paths: list[Path], seeds: list[int], p: int) -> dict[int, pd.DataFrame]:
    """The split of every seed. Raises ConfigError if one is missing or of another p."""
    splits = {int(table["seed"].iloc[0]): table for table in map(pd.read_parquet, paths)}
    for seed in seeds:
        if seed not in splits:
            raise ConfigError(f"no split for seed {seed} among {', '.join(map(str, paths))}")
        if len(splits[seed]) != p**2:
            raise ConfigError(f"split of seed {seed}: {len(splits[seed])} pairs, expected {p**2}")
    return splits
