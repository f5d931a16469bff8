import errno
import fcntl
from unittest.mock import Mock

import pytest
import torch
from helpers import write_checkpoints

from mechanics.runtime.files import atomic
from mechanics.training import checkpoint
from mechanics.training.checkpoint import CheckpointError, Run, alone, read_tensors, write_tensors


@pytest.fixture
def run_folder(tmp_path):
    weights = {
        (seed, step): {"W": torch.full((2,), float(seed + step))}
        for seed in (0, 3)
        for step in (0, 10)
    }
    return write_checkpoints(tmp_path, {"p": 11}, weights)


def test_weights_come_back_by_seed_and_step(run_folder):
    run = Run(run_folder)
    assert (run.seeds, run.steps(3)) == ([0, 3], [0, 10])
    assert torch.equal(run.final(3)["W"], torch.tensor([[13.0, 13.0]]))
    with pytest.raises(CheckpointError, match="no checkpoint of seed 3 at step 7"):
        run.load(3, 7)
    others_may = (run_folder / "checkpoints.safetensors").stat().st_mode
    assert others_may & 0o044 == 0o044


def test_altered_checkpoints_and_an_unfinished_run_are_named(run_folder):
    path = run_folder / "checkpoints.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(CheckpointError, match=r"checkpoints\.safetensors: truncated or corrupted"):
        Run(run_folder)
    with pytest.raises(CheckpointError, match="not a finished run"):
        Run(run_folder / "none")


def test_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic(path) as part:
        part.write_text("new")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_second_process_is_refused_and_a_filesystem_without_locks_told(
    tmp_path, monkeypatch, capsys
):
    refused = pytest.raises(CheckpointError, match="another process is training")
    with alone(tmp_path), refused, alone(tmp_path):
        pytest.fail("two processes in one folder")
    with alone(tmp_path):  # and free again afterwards
        pass
    no_locks = Mock(side_effect=OSError(errno.ENOSYS, "Function not implemented"))
    monkeypatch.setattr(fcntl, "flock", no_locks)
    with alone(tmp_path):
        assert "cannot be locked (Function not implemented)" in capsys.readouterr().out


def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    refuse = Mock(side_effect=PermissionError(errno.EACCES, "Permission denied"))
    monkeypatch.setattr(checkpoint, "safe_open", refuse)
    write_tensors(tmp_path / "w.safetensors", {"w": torch.ones(1)})
    with pytest.raises(CheckpointError, match="w.safetensors: cannot be read: Permission denied$"):
        read_tensors(tmp_path / "w.safetensors")
