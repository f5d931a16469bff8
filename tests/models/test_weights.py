import pytest
import torch

from mechanics.models.weights import read_network
from mechanics.training.checkpoint import CheckpointError, write_tensors


def test_missing_damaged_and_foreign_files_are_refused_by_name(tmp_path):
    path = tmp_path / "seed0.safetensors"
    with pytest.raises(CheckpointError, match="seed0.safetensors: no such file"):
        read_network(path)
    path.write_bytes(b"not weights")
    with pytest.raises(CheckpointError, match="seed0.safetensors: truncated or corrupted"):
        read_network(path)
    write_tensors(path, {"W_E": torch.ones(1)}, {"task": "modular_addition"})
    with pytest.raises(CheckpointError, match="seed0.safetensors: metadata without model, seed"):
        read_network(path)
