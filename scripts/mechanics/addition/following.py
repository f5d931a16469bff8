"""What is followed of an addition run through its checkpoints, for ``scripts/follow.py``."""

from pathlib import Path

import pandas as pd
import torch

from mechanics.addition.as_addition import as_addition
from mechanics.addition.embedding import circle, key_plane, number_embeddings
from mechanics.addition.measures import SNAPSHOTS
from mechanics.addition.operation import order
from mechanics.addition.progress import final_keys, follow_progress
from mechanics.addition.snapshots import telling_steps, write_snapshots
from mechanics.addition.splits import read_splits
from mechanics.models.weights import network_at
from mechanics.tables.frames import write_tables
from mechanics.training.checkpoint import Run

PLANES = ["seed", "step", "frequency", "number", "x", "y"]


def follow(folder: Path, data: list[Path], device: torch.device) -> dict[str, pd.DataFrame]:
    """``progress`` of a run, and the ``spectra`` beside it. ``data``: the split of every seed.

    Raises CheckpointError for no finished run, ConfigError for splits that are not its own.
    """
    run = Run(folder)
    n = order(run.settings["p"], run.settings.get("operation", "add"))
    return follow_progress(run, read_splits(data, run.seeds, n), device)


def show(folder: Path, tables: dict[str, pd.DataFrame], seed: int, output: Path) -> None:
    """Write what the page shows of one seed beside what ``follow`` found: ``measures.SHOWN``.

    Of a run that lacks the seed, empty files.
    """
    run = Run(folder)
    own = {name: table[table["seed"] == seed] for name, table in tables.items()}
    keys = final_keys(run, seed, torch.device("cpu")) if seed in run.seeds else []
    planes = embedding_planes(run, seed, keys)
    write_tables({"spectra": own["spectra"], "embedding_planes": planes}, output)
    steps = telling_steps(own["progress"])
    kept = {step: as_addition(network_at(run, seed, step)).weights for step in steps}
    write_snapshots(output / SNAPSHOTS, seed, kept)


def embedding_planes(run: Run, seed: int, keys: list[int]) -> pd.DataFrame:
    """Coordinates [number] in the plane of each key at each checkpoint of a seed of the run.

    The plane is that of the checkpoint at hand: in an untrained embedding it already holds a faint
    and ragged circle, since it was chosen for that. An embedding that is not finite is left out.
    """
    planes = []
    for step in run.steps(seed) if keys else []:
        W_E = as_addition(network_at(run, seed, step)).weights["embed.W_E"][0]
        if not W_E.isfinite().all():
            continue
        numbers = number_embeddings(W_E)
        for k in keys:
            x, y = circle(numbers, key_plane(numbers, k), k).coordinates.float().T.numpy()
            at = {"seed": seed, "step": step, "frequency": k, "number": range(len(x))}
            planes.append(pd.DataFrame({**at, "x": x, "y": y}))
    return pd.concat(planes) if planes else pd.DataFrame(columns=PLANES, dtype=float)
