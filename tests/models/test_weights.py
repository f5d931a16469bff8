import pytest
import torch
from helpers import addition_settings

from mechanics.models.weights import Network, read_network, write_network
from mechanics.training.checkpoint import CheckpointError, write_tensors


def network(**weights) -> Network:
    settings = addition_settings()
    return Network("modular_addition", "clock", 3, 20, "grokked", settings, weights)


def test_network_comes_back_as_it_was_written_and_says_whether_all_weights_are_numbers(tmp_path):
    written = network(W_E=torch.arange(6.0).reshape(1, 2, 3))
    write_network(tmp_path / "seed3.safetensors", written)
    read = read_network(tmp_path / "seed3.safetensors")
    assert torch.equal(read.weights["W_E"], written.weights["W_E"])
    assert (read.task, read.model, read.seed) == ("modular_addition", "clock", 3)
    assert (read.step, read.status, read.settings) == (20, "grokked", addition_settings())
    assert read.architecture.n_heads == addition_settings()["n_heads"]
    assert read.finite
    assert not network(W_E=torch.ones(1, 2), W_U=torch.tensor([[1.0, torch.inf]])).finite


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
