"""The held-out prompts that regression networks are judged on, and what a predictor says of them.

A predictor takes prompts and predicts every test point: a trained network, or an algorithm. Its
sensitivity g = ∂ŷ/∂x_test is its effective weights: exactly linear predictions ŷ = ŵᵀx_test have
g = ŵ whatever the test point, others have a g at each.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models import regression
from mechanics.models.prompts import Prompts, embed, evaluation_prompts, squared_errors
from mechanics.models.transformer import token_d
from mechanics.models.weights import Network
from mechanics.regression.algorithms import Predictor
from mechanics.settings import ConfigError
from mechanics.training.checkpoint import CheckpointError, read_tensors

CHUNK = 256  # prompts at a time: bounds memory, and what fits the cache is twice as fast


@dataclass(frozen=True)
class HeldOut:
    """Prompts of d coordinates, by their number of pairs k, on one device."""

    path: Path
    stored: dict[str, Tensor]
    d: int
    lengths: list[int]
    device: torch.device
    noise: float = 0.0  # variance of that which is added to the context's y

    def prompts(self, k: int, n_prompts: int | None = None) -> Prompts:
        """The (first ``n_prompts``) prompts of k pairs. Raises ConfigError if there are none."""
        if k not in self.lengths:
            lengths = ", ".join(map(str, self.lengths))
            raise ConfigError(f"{self.path}: no held-out prompts of k = {k}: expected {lengths}")
        return evaluation_prompts(self.stored, k, n_prompts, self.noise).to(self.device)


def read_held_out(path: Path, device: torch.device, settings: dict) -> HeldOut:
    """What the data stage wrote, with the noise of the network of these settings.

    Raises CheckpointError if it cannot be read, or holds no prompts.
    """
    stored, about = read_tensors(path)
    if missing := [key for key in ("d", "context_lengths") if key not in about]:
        words = f"metadata without {', '.join(missing)}: expected held-out prompts"
        raise CheckpointError(f"{path}: {words}")
    noise = settings.get("noise", 0.0)
    return HeldOut(path, stored, about["d"], about["context_lengths"], device, noise)


def expect_regression(network: Network, held_out: HeldOut, path: Path) -> None:
    """Whether a network from this path can read these prompts.

    Raises ConfigError for another task or another d, CheckpointError for weights that are not those
    of the network that the settings name.
    """
    settings = network.settings
    if settings["task"] != "linear_regression":
        raise ConfigError(f"{path}: task = {settings['task']}: expected linear_regression")
    if held_out.d != settings["d"]:
        raise ConfigError(
            f"{path}: d = {settings['d']}: expected d = {held_out.d}, that of the prompts in"
            f" {held_out.path}"
        )
    expected = regression.parameter_shapes(network.architecture, token_d(settings))
    found = {name: tuple(tensor.shape[1:]) for name, tensor in network.weights.items()}
    if found != expected:
        name = next(n for n in [*expected, *found] if found.get(n) != expected.get(n))
        raise CheckpointError(
            f"{path}: weights of seed {network.seed} are not those of its settings:"
            f" {name} is {found.get(name)}, expected {expected.get(name)}"
        )


def untrained(network: Network) -> Network:
    """The same replica before its first step."""
    first = regression.initial(network.settings, network.seed)
    device = next(iter(network.weights.values())).device
    return replace(network, step=0, weights={n: t[None].to(device) for n, t in first.items()})


def tokens(prompts: Prompts, network: Network) -> Prompts:
    """The same prompts as the network reads them: x with zeros up to ``d_max``."""
    return embed(prompts, token_d(network.settings))


def predictor(network: Network) -> Predictor:
    """The network with the call of an algorithm: it takes prompts of d coordinates."""
    return lambda prompts: regression.forward(
        network.weights, tokens(prompts, network), network.architecture
    )


@torch.no_grad()
def predict(predictor: Predictor, prompts: Prompts) -> Float[Tensor, "1 prompt query"]:
    """Predictions, as float64, for prompts with a seed dimension of 1."""
    return torch.cat([predictor(c) for c in prompts.chunks(CHUNK)], dim=1).double()


@torch.no_grad()
def errors(predictor: Predictor, prompts: Prompts) -> Float[Tensor, " prompt"]:
    """Every prompt's squared error over d, float64."""
    parts = [squared_errors(predictor(c), c)[0].double() for c in prompts.chunks(CHUNK)]
    return torch.cat(parts) / prompts.x.shape[-1]


def sensitivities(predictor: Predictor, prompts: Prompts) -> Float[Tensor, "prompt query d"]:
    """g = ∂ŷ/∂x_test, as float64, for prompts with a seed dimension of 1.

    Test points do not see each other, so that one gradient of the sum over them gives every g.
    """
    parts = []
    for part in prompts.chunks(CHUNK):
        x_test = part.x_test.detach().requires_grad_()
        predictions = predictor(replace(part, x_test=x_test))
        if predictions.requires_grad:
            parts.append(torch.autograd.grad(predictions.sum(), x_test)[0][0].double())
        else:  # piecewise constant in x_test, as nearest neighbours are
            parts.append(torch.zeros_like(x_test[0]).double())
    return torch.cat(parts)
