"""What is followed of an addition run through its checkpoints, for ``scripts/follow.py``."""

from pathlib import Path

import pandas as pd
import torch

from mechanics.addition.as_addition import RunAsAddition
from mechanics.addition.embedding_planes import embedding_planes
from mechanics.addition.measures import SNAPSHOTS
from mechanics.addition.progress import final_keys, follow_progress
from mechanics.addition.snapshots import telling_steps, write_snapshots
from mechanics.addition.splits import read_splits
from mechanics.tables.frames import write_tables


def follow(folder: Path, data: list[Path], device: torch.device) -> dict[str, pd.DataFrame]:
    """``progress`` of a run, and the ``spectra`` beside it. ``data``: the split of every seed.

    Raises CheckpointError for no finished run, ConfigError for splits that are not its own.
    """
    run = RunAsAddition(folder)
    splits = read_splits(data, run.seeds, run.settings["p"])
    return follow_progress(run, splits, device)


def show(folder: Path, tables: dict[str, pd.DataFrame], seed: int, output: Path) -> None:
    """Write what the page shows of one seed beside what ``follow`` found: ``measures.SHOWN``.

    Of a run that lacks the seed, empty files.
    """
    run = RunAsAddition(folder)
    own = {name: table[table["seed"] == seed] for name, table in tables.items()}
    keys = final_keys(run, seed, torch.device("cpu")) if seed in run.seeds else []
    planes = embedding_planes(run, seed, keys)
    write_tables({"spectra": own["spectra"], "embedding_planes": planes}, output)
    write_snapshots(output / SNAPSHOTS, run, seed, telling_steps(own["progress"]))
