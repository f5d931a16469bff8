"""Opening a finished regression run beside the held-out prompts that it is judged on."""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models import regression
from mechanics.models.prompts import Prompts, embed, evaluation_prompts
from mechanics.models.transformer import Architecture, architecture, token_d
from mechanics.settings import ConfigError
from mechanics.training.checkpoint import CheckpointError, Run, read_tensors

CHUNK = 256  # prompts at a time: bounds memory, and what fits the cache is twice as fast


@dataclass
class RegressionRun:
    """A run, its network, and the held-out prompts on one device."""

    run: Run
    network: Architecture
    stored: dict[str, Tensor]
    lengths: list[int]
    device: torch.device

    @property
    def settings(self) -> dict:
        return self.run.settings

    @property
    def seeds(self) -> list[int]:
        return self.run.seeds

    def weights(self, seed: int, step: int | None = None) -> dict[str, Tensor]:
        """Weights of one replica at a step (``None``: the last), with a seed dimension of 1.

        Raises CheckpointError if they are not those of the network that the run's settings name.
        """
        weights = self.run.load(seed, self.run.steps(seed)[-1] if step is None else step)
        expected = regression.parameter_shapes(self.network, token_d(self.settings))
        found = {name: tuple(tensor.shape[1:]) for name, tensor in weights.items()}
        if found != expected:
            raise CheckpointError(
                f"{self.run.path}: weights of seed {seed} are not those of run.json's settings:"
                f" {_first_difference(found, expected)}"
            )
        return {name: tensor.to(self.device) for name, tensor in weights.items()}

    def prompts(self, k: int, n_prompts: int | None = None) -> Prompts:
        """The (first ``n_prompts``) held-out prompts of k pairs, x with d coordinates."""
        return evaluation_prompts(self.stored, k, n_prompts).to(self.device)

    def tokens(self, prompts: Prompts) -> Prompts:
        """The same prompts as the network reads them: x with zeros up to ``d_max``."""
        return embed(prompts, token_d(self.settings))

    def predictor(
        self, weights: dict[str, Tensor], prompts: Prompts
    ) -> Float[Tensor, "1 prompt query"]:
        """The network with these weights, with the call of an algorithm: x has d coordinates."""
        return regression.forward(weights, self.tokens(prompts), self.network)


def _first_difference(found: dict, expected: dict) -> str:
    name = next(n for n in [*expected, *found] if found.get(n) != expected.get(n))
    return f"{name} is {found.get(name)}, expected {expected.get(name)}"


def open_regression_run(folder: Path, data: Path, device: torch.device) -> RegressionRun:
    """Raises ConfigError for a run of another task or prompts of another d, and as ``Run`` does."""
    run = Run(folder)
    stored, about = read_tensors(data)
    settings = run.settings
    if settings["task"] != "linear_regression":
        raise ConfigError(f"{folder / 'run.json'}: task = {settings['task']}: expected regression")
    if about["d"] != settings["d"]:
        raise ConfigError(
            f"{folder / 'run.json'}: d = {settings['d']}: expected d = {about['d']}, that of the"
            f" prompts in {data}"
        )
    return RegressionRun(run, architecture(settings), stored, about["context_lengths"], device)


@torch.no_grad()
def predict(
    weights: dict[str, Tensor], prompts: Prompts, network: Architecture
) -> Float[Tensor, "1 prompt query"]:
    """Predictions of one replica, in chunks."""
    tensors = (prompts.x, prompts.y, prompts.x_test, prompts.y_test)
    chunks = zip(*(tensor.split(CHUNK, dim=1) for tensor in tensors), strict=True)
    return torch.cat([regression.forward(weights, Prompts(*c), network) for c in chunks], dim=1)
