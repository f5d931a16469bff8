"""A network that subtracts or multiplies, read as one that adds exponents.

The numbers that it reads and answers are put in the order of their exponents (``operation``), so
that what measures a network need know nothing of operations. A network that adds stays as it is.
"""

from dataclasses import replace

import torch

from mechanics.addition.operation import numbers, order
from mechanics.models.weights import Network


def as_addition(network: Network) -> Network:
    """The network that adds its ``p`` exponents. One that subtracts is given −b for b; in one that
    multiplies 0 has no exponent, and is left out of the numbers and of the answers."""
    if "operation" not in network.settings:
        return network
    settings, weights = dict(network.settings), network.weights
    operation, p = settings.pop("operation"), settings["p"]
    settings |= {"p": order(p, operation), "negates_b": operation == "subtract"}
    W_E = weights["embed.W_E"]  # seed token d_model, the last token being "="
    own = numbers(p, operation).to(W_E.device)
    W_E = torch.cat([W_E[:, own], W_E[:, -1:]], dim=1)
    weights = weights | {"embed.W_E": W_E, "unembed.W_U": weights["unembed.W_U"][..., own]}
    return replace(network, settings=settings, weights=weights)
