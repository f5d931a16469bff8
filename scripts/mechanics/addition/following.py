"""What is followed of an addition run through its checkpoints, for ``scripts/follow.py``."""

from pathlib import Path

import pandas as pd
import torch

from mechanics.addition.as_addition import RunAsAddition
from mechanics.addition.embedding_trace import trace
from mechanics.addition.measures import SNAPSHOTS
from mechanics.addition.progress import final_keys, follow_progress
from mechanics.addition.snapshots import telling_steps, write_snapshots
from mechanics.addition.splits import read_splits


def follow(folder: Path, data: list[Path], device: torch.device) -> dict[str, pd.DataFrame]:
    """The tables ``measures.FOLLOWED`` of a run. ``data``: the split of every seed.

    Raises CheckpointError for no finished run, ConfigError for splits that are not its own.
    """
    run = RunAsAddition(folder)
    splits = read_splits(data, run.seeds, run.settings["p"])
    keys = {seed: final_keys(run, seed, device) for seed in run.seeds}
    return follow_progress(run, splits, keys, device) | trace(run, keys)


def keep_snapshots(folder: Path, tables: dict[str, pd.DataFrame], seed: int, output: Path) -> None:
    """Some checkpoints of one seed, into the folder of the tables that ``follow`` made."""
    progress = tables["progress"]
    steps = telling_steps(progress[progress["seed"] == seed])
    write_snapshots(output / SNAPSHOTS, RunAsAddition(folder), seed, steps)
