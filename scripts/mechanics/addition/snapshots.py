"""Some checkpoints of one seed, small enough to lie in a page: int8 with one scale a matrix."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from mechanics.training.checkpoint import checkpoint_key, read_tensors, write_tensors

N_SNAPSHOTS = 10
LARGEST = 127  # of int8; a weight is off by at most half a step, the largest over 254
PATH = ("accuracy_train", "accuracy_validation")


def telling_steps(progress: pd.DataFrame) -> list[int]:
    """At most ``N_SNAPSHOTS`` of a seed's checkpoints, the first and the last among them.

    They are spread evenly over what changes in a seed's ``progress``: both accuracies and the
    logarithm of the step.
    """
    own = progress.dropna(subset=list(PATH)).sort_values("step")
    steps = own["step"].to_numpy()
    if len(steps) <= N_SNAPSHOTS:
        return steps.tolist()
    course = [own[name].to_numpy() for name in PATH]
    course.append(np.log1p(steps) / np.log1p(steps[-1]))
    passed = np.abs(np.diff(course)).sum(axis=0).cumsum()
    passed = np.concatenate([[0.0], passed / passed[-1]])
    nearest = {int(np.abs(passed - place).argmin()) for place in np.linspace(0, 1, N_SNAPSHOTS)}
    return steps[[*sorted(nearest - {len(steps) - 1}), len(steps) - 1]].tolist()


def as_int8(weights: Tensor) -> tuple[Tensor, float]:
    """Whole numbers and the scale that makes them weights again."""
    scale = float(weights.abs().max()) / LARGEST
    whole = (weights / scale).round() if scale else torch.zeros_like(weights)
    return whole.to(torch.int8), scale


def write_snapshots(path: Path, seed: int, checkpoints: dict[int, dict[str, Tensor]]) -> None:
    """The weights [1, …] of a seed by their steps; none of a seed that the run has not."""
    tensors, scales = {}, {}
    for step, own in checkpoints.items():
        for name, weights in own.items():
            key = checkpoint_key(seed, step, name)
            tensors[key], scales[key] = as_int8(weights[0])
    write_tensors(path, tensors, {"scales": scales})


def read_snapshots(path: Path) -> Iterator[tuple[int, dict[str, tuple[np.ndarray, float]]]]:
    """(step, {name: (whole numbers, scale)}) in order. Raises CheckpointError if damaged."""
    tensors, about = read_tensors(path)
    found: dict[int, dict] = {}
    for key in sorted(tensors):
        _, step, name = key.split("/")
        found.setdefault(int(step[4:]), {})[name] = tensors[key].numpy(), about["scales"][key]
    yield from found.items()
