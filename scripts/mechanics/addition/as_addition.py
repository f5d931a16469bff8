"""A network that subtracts or multiplies, read as one that adds exponents.

The numbers that it reads and answers are put in the order of their exponents (``operation``), so
that what measures a network need know nothing of operations. A network that adds stays as it is.
"""

from dataclasses import replace

import torch
from torch import Tensor

from mechanics.addition.operation import numbers, order
from mechanics.models.weights import Network
from mechanics.training.checkpoint import Run


def as_addition(network: Network) -> Network:
    """The network that adds: ``p`` is the number of its exponents.

    One that subtracts is given −b for b. In one that multiplies 0 has no exponent: it is left out
    of the numbers and of the answers.
    """
    weights = _by_exponent(network.weights, network.settings)
    return replace(network, settings=_adding(network.settings), weights=weights)


class RunAsAddition(Run):
    """A run whose networks are all read ``as_addition``."""

    @property
    def settings(self) -> dict:
        return _adding(super().settings)

    def load(self, seed: int, step: int) -> dict[str, Tensor]:
        return _by_exponent(super().load(seed, step), super().settings)


def _adding(settings: dict) -> dict:
    if "operation" not in settings:
        return settings
    operation = settings["operation"]
    own = {key: value for key, value in settings.items() if key != "operation"}
    return own | {"p": order(own["p"], operation), "negates_b": operation == "subtract"}


def _by_exponent(weights: dict[str, Tensor], settings: dict) -> dict[str, Tensor]:
    if "operation" not in settings:
        return weights
    W_E = weights["embed.W_E"]  # seed token d_model, the last token being "="
    own = numbers(settings["p"], settings["operation"]).to(W_E.device)
    W_E = torch.cat([W_E[:, own], W_E[:, -1:]], dim=1)
    return weights | {"embed.W_E": W_E, "unembed.W_U": weights["unembed.W_U"][..., own]}
