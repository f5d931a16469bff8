"""Runs made up of given checkpoints."""

import json

import pytest

from mechanics.runtime.files import sha256
from mechanics.training.checkpoint import Run, checkpoint_key, write_tensors


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    """Makes the run that has these weights (without a seed dimension), by (seed, step)."""

    def record(settings: dict, checkpoints: dict[tuple[int, int], dict], status="finished") -> Run:
        folder = tmp_path_factory.mktemp("run")
        path = folder / "checkpoints.safetensors"
        tensors = {
            checkpoint_key(*at, name): tensor.float()
            for at, weights in checkpoints.items()
            for name, tensor in weights.items()
        }
        write_tensors(path, tensors)
        own = {"last_step": max(step for _, step in checkpoints), "train_flops": 1}
        replicas = [{"seed": s, "status": status, **own} for s in {seed for seed, _ in checkpoints}]
        about = {"settings": settings, "replicas": replicas, "checkpoints_sha256": sha256(path)}
        (folder / "run.json").write_text(json.dumps(about))
        return Run(folder)

    return record
