"""Weights on disk: checkpoints of a finished run, and the state from which a killed run resumes.

All files are safetensors, never pickles, and are written under another name and renamed, so that
a file that exists is whole.
"""

import fcntl
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mechanics.runtime.files import atomic, sha256


class CheckpointError(Exception):
    """A checkpoint or state file that is missing, truncated, corrupted or of another run."""


def weights_sha256(weights: Tensor) -> str:
    """Hash of the bits of a tensor."""
    return hashlib.sha256(weights.detach().cpu().contiguous().numpy().tobytes()).hexdigest()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep any other process from working in ``folder`` within the block.

    Raises CheckpointError if one does: two trainings of one run would destroy each other's state.
    The system drops the lock when a process ends, however it ends. A filesystem without locks
    cannot keep anyone away: that is said.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CheckpointError(f"{folder}: another process is training this run") from error
        except OSError as error:  # Lustre and some NFS know no locks
            print(f"{folder}: cannot be locked ({error.strerror}): train this run by one process")
        yield


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict | None = None) -> None:
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic(path) as part:
        save_file(stored, part, {"json": json.dumps(metadata or {})})


def read_tensors(path: Path, device: str = "cpu") -> tuple[dict[str, Tensor], dict]:
    """Tensors and metadata. Raises CheckpointError that names the file if it cannot be read."""
    if not path.exists():
        raise CheckpointError(f"{path}: no such file")
    try:
        with safe_open(path, "pt", device) as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return tensors, json.loads(file.metadata()["json"])
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path}: truncated or corrupted ({error}). Nothing was overwritten; "
            "delete the file if the run is to be trained again."
        ) from error


def checkpoint_key(seed: int, step: int, name: str = "") -> str:
    return f"seed{seed}/step{step:07d}/{name}"


class Run:
    """A finished training run on disk: ``run.json`` and the checkpoints of its seeds.

    Raises CheckpointError if a file is missing, or if the checkpoints are not, to the bit, those
    that the run wrote.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self.path = self.folder / "checkpoints.safetensors"
        try:
            self.record = json.loads((self.folder / "run.json").read_text("utf-8"))
            digest = sha256(self.path)
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{self.folder}: not a finished run ({error})") from error
        if digest != self.record["checkpoints_sha256"]:
            raise CheckpointError(
                f"{self.path}: truncated or corrupted: its hash is not the one in run.json"
            )
        with safe_open(self.path, "pt") as file:
            keys = [key.split("/") for key in file.keys()]  # noqa: SIM118
        self._steps: dict[int, list[int]] = {}
        for seed, step in sorted({(int(k[0][4:]), int(k[1][4:])) for k in keys}):
            self._steps.setdefault(seed, []).append(step)

    @property
    def settings(self) -> dict:
        return self.record["settings"]

    @property
    def seeds(self) -> list[int]:
        """All seeds of the run, diverged ones included."""
        return [replica["seed"] for replica in self.record["replicas"]]

    def replica(self, seed: int) -> dict:
        return next(r for r in self.record["replicas"] if r["seed"] == seed)

    def steps(self, seed: int) -> list[int]:
        """Steps at which this seed was saved, in order."""
        return self._steps[seed]

    def load(self, seed: int, step: int) -> dict[str, Tensor]:
        """Weights of one replica at one step, with a leading seed dimension of 1."""
        prefix = checkpoint_key(seed, step)
        with safe_open(self.path, "pt") as file:
            names = [key for key in file.keys() if key.startswith(prefix)]  # noqa: SIM118
            weights = {key.removeprefix(prefix): file.get_tensor(key)[None] for key in names}
        if not weights:
            raise CheckpointError(f"{self.path}: no checkpoint of seed {seed} at step {step}")
        return weights

    def final(self, seed: int) -> dict[str, Tensor]:
        """The last saved weights of one replica."""
        return self.load(seed, self.steps(seed)[-1])
