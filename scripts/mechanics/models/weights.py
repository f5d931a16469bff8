"""The final weights of one seed on disk: ``weights/{task}/{model}/seed{n}.safetensors``.

Training writes them, and whatever needs no more than a trained network reads them.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models.transformer import Architecture, architecture
from mechanics.training.checkpoint import CheckpointError, Run, read_tensors, write_tensors


@dataclass(frozen=True)
class Network:
    """The last saved weights of one replica, with a leading seed dimension of 1.

    ``status`` says how the training ended ("grokked", "diverged", …), ``step`` where.
    """

    task: str
    model: str
    seed: int
    step: int
    status: str
    settings: dict
    weights: dict[str, Float[Tensor, "1 ..."]]

    @property
    def architecture(self) -> Architecture:
        return architecture(self.settings)

    def to(self, where: torch.device | torch.dtype) -> "Network":
        return replace(self, weights={name: t.to(where) for name, t in self.weights.items()})

    def exact(self) -> "Network":
        """The same in float64."""
        return self.to(torch.float64)

    @property
    def finite(self) -> bool:
        """Whether every weight is a number."""
        return all(bool(tensor.isfinite().all()) for tensor in self.weights.values())


def network_at(run: Run, seed: int, step: int) -> Network:
    """One replica of a run as it was at a step."""
    weights, status = run.load(seed, step), run.replica(seed)["status"]
    model, settings = run.folder.parent.name, run.settings
    return Network(settings["task"], model, seed, step, status, settings, weights)


ABOUT = ("task", "model", "seed", "step", "status", "settings")  # the file's metadata


def write_network(path: Path, network: Network) -> None:
    weights = {name: tensor[0] for name, tensor in network.weights.items()}
    write_tensors(path, weights, {key: getattr(network, key) for key in ABOUT})


def read_network(path: Path) -> Network:
    """Raises CheckpointError, with the path, if the file is missing, damaged or of another kind."""
    weights, about = read_tensors(path)
    about = {"status": "finished"} | about  # none was recorded for those published first
    missing = [key for key in ABOUT if key not in about]
    if missing:
        raise CheckpointError(
            f"{path}: metadata without {', '.join(missing)}: expected the final weights of a seed"
        )
    stacked = {name: tensor[None] for name, tensor in weights.items()}
    return Network(**{key: about[key] for key in ABOUT}, weights=stacked)
