"""What one layer of attention on the tokens computes, read from its merged weights.

Of linear attention ŷ = x_testᵀ Γ̂ G + terms that the other blocks of W_QK and W_V W_O make, with G =
XᵀY/k. A layer that is one preconditioned gradient step has Γ̂ and nothing else (Ahn et al. 2023).
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models.transformer import Architecture
from mechanics.regression.laws import linear_layer


def is_one_linear_layer(architecture: Architecture) -> bool:
    """Whether Γ̂ is defined: one layer of linear attention on the tokens themselves."""
    return (
        architecture.attention == "linear"
        and architecture.n_layers == 1
        and not architecture.embedded
    )


def merged(
    parameters: dict[str, Tensor], architecture: Architecture, layer: int = 0
) -> tuple[Float[Tensor, "seed head token token"], Float[Tensor, "seed head token"]]:
    """W_QK, with the scale of the scores, and the column of W_V W_O that writes y."""
    W_Q, W_K, W_V, W_O = (parameters[f"blocks.{layer}.attn.W_{letter}"] for letter in "QKVO")
    W_QK = W_Q @ W_K.transpose(-1, -2) * architecture.score_scale
    return W_QK, (W_V @ W_O)[..., -1]


def preconditioner(
    parameters: dict[str, Tensor], architecture: Architecture
) -> Float[Tensor, "seed d d"]:
    """Γ̂ = −(bA + aβᵀ) of every replica, summed over heads (``laws.linear_layer``).

    Raises ValueError for a network that is not one linear layer on the tokens.
    """
    if not is_one_linear_layer(architecture):
        raise ValueError("Γ̂ is defined for one layer of linear attention on the tokens only")
    return linear_layer.preconditioner(*merged(parameters, architecture)).sum(dim=1)


def has_exact_risk(architecture: Architecture) -> bool:
    """Whether ``exact_risk`` is defined: one linear layer of one head."""
    return architecture.n_heads == 1 and is_one_linear_layer(architecture)


def exact_risk(
    parameters: dict[str, Tensor], architecture: Architecture, d: int, k: int, noise: float = 0.0
) -> Float[Tensor, "seed"]:
    """Risk of every replica on prompts of k pairs that lie in the first d coordinates. In float64.

    No prompt is drawn, and stray weights count (``laws.linear_layer``). Raises ValueError for a
    network without one (``has_exact_risk``).
    """
    if not has_exact_risk(architecture):
        raise ValueError("only one head of one linear layer on the tokens has an exact risk")
    W_QK, value = merged({name: t.double() for name, t in parameters.items()}, architecture)
    own = [*range(d), W_QK.shape[-1] - 1]  # the prompts' coordinates, and y, which has its scale
    scale = torch.ones(d + 1, dtype=W_QK.dtype, device=W_QK.device)
    scale[d] = architecture.y_scale
    W_QK = W_QK[:, 0, own][..., own] * scale * (k / (k + architecture.zero_tokens))
    value = value[:, 0, own] * scale / architecture.y_scale
    return linear_layer.layer_risk(W_QK, value, 1 / k, noise)


def step_size(gamma: Float[Tensor, "*seed d d"]) -> Float[Tensor, "*seed"]:
    """ĉ = tr Γ̂ / d: the size of the gradient step."""
    return gamma.diagonal(dim1=-2, dim2=-1).mean(dim=-1)


def isotropy_distance(gamma: Float[Tensor, "*seed d d"]) -> Float[Tensor, "*seed"]:
    """‖Γ̂ − ĉI‖_F / ‖Γ̂‖_F: 0 for a plain gradient step."""
    norm, identity = torch.linalg.matrix_norm, torch.eye(gamma.shape[-1]).to(gamma)
    return norm(gamma - step_size(gamma)[..., None, None] * identity) / norm(gamma)


def describe_step(
    parameters: dict[str, Tensor], architecture: Architecture, settings: dict
) -> dict[str, float]:
    """ĉ and the isotropy distance of one replica; nan where the network is no single step.

    They are read where the prompts lie: in the first d coordinates, or (random subspaces) in all.
    """
    if not is_one_linear_layer(architecture):
        return {"c_hat": math.nan, "isotropy": math.nan}
    gamma = preconditioner({n: t.double() for n, t in parameters.items()}, architecture)
    if settings["subspace"] == "axis":
        gamma = gamma[:, : settings["d"], : settings["d"]]
    return {"c_hat": float(step_size(gamma)), "isotropy": float(isotropy_distance(gamma))}
