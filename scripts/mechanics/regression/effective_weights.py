"""What one layer of attention on the tokens computes, read from its merged weights.

With W_QK = [[A, a], […]] and v = [β; b], the column of W_V W_O that writes y, linear attention
predicts ŷ = −[x_test; 0]ᵀ W_QK Z v with Z = Σ zzᵀ/k over the tokens z = [x; y]. Its effective
weights are −(N S w + A S β + a b wᵀSw), S = XᵀX/k: Γ̂ = −N = −(bA + aβᵀ) is the preconditioner of a
gradient step, the rest stray. A layer that is one preconditioned step has Γ̂ and nothing else (Ahn
et al. 2023).
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models.transformer import Architecture


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
    W_QK: Float[Tensor, "*seed token token"], value: Float[Tensor, "*seed token"]
) -> Float[Tensor, "*seed d d"]:
    """Γ̂ = −(bA + aβᵀ): keys that read x with values that read y, and the other way round.

    That of several heads is their sum.
    """
    A, a, beta, b = _blocks(W_QK, value)
    return -(b[..., None, None] * A + a[..., :, None] * beta[..., None, :])


def layer_risk(
    W_QK: Float[Tensor, "*seed token token"],
    value: Float[Tensor, "*seed token"],
    inverse_length: float,
    noise: float = 0.0,
) -> Float[Tensor, "*seed"]:
    """Risk at 1/k = ``inverse_length``, exact, by the moments of a Wishart matrix to order two.

    It is linear in 1/k: at E[1/k] it is the mean over a mixture of context lengths. Noise of
    variance σ² adds N Xᵀε/k + ab(2wᵀXᵀε/k + εᵀε/k) to the effective weights.
    """
    A, a, beta, b = _blocks(W_QK, value)
    d, i = a.shape[-1], inverse_length
    N = -preconditioner(W_QK, value)
    trace = N.diagonal(dim1=-2, dim2=-1).sum(-1)
    A_beta = (A @ beta[..., None])[..., 0]
    of_w = d + 2 * trace + (1 + (d + 1) * i) * _squared(N, 2)
    of_x = (1 + i) * _squared(A_beta) + i * _squared(beta) * _squared(A, 2)
    crossed = 2 * b * (d + 2 * i) * (a * A_beta).sum(-1)
    of_y = _squared(a) * b**2 * (d**2 + 2 * d * i + 2 * d * (1 + (d + 1) * i))
    of_y_noise = _squared(a) * b**2 * (4 * d * i + 2 * d + noise * (1 + 2 * i))
    of_noise = noise * (i * _squared(N, 2) + of_y_noise + 2 * b * (a * A_beta).sum(-1))
    return (of_w + of_x + crossed + of_y + of_noise) / d


def _blocks(W_QK: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    d = W_QK.shape[-1] - 1
    return W_QK[..., :d, :d], W_QK[..., :d, d], value[..., :d], value[..., d]


def _squared(tensor: Tensor, dims: int = 1) -> Tensor:
    return tensor.square().sum(dim=tuple(range(-dims, 0)))


def has_exact_risk(architecture: Architecture) -> bool:
    """Whether ``exact_risk`` is defined: one linear layer of one head."""
    return architecture.n_heads == 1 and is_one_linear_layer(architecture)


def exact_risk(
    parameters: dict[str, Tensor], architecture: Architecture, d: int, k: int, noise: float = 0.0
) -> Float[Tensor, "seed"]:
    """Risk of every replica on prompts of k pairs that lie in the first d coordinates. In float64.

    No prompt is drawn, and stray weights count. Only for a network that ``has_exact_risk``.
    """
    W_QK, value = merged({name: t.double() for name, t in parameters.items()}, architecture)
    own = [*range(d), W_QK.shape[-1] - 1]  # the prompts' coordinates, and y, which has its scale
    scale = torch.ones(d + 1, dtype=W_QK.dtype, device=W_QK.device)
    scale[d] = architecture.y_scale
    W_QK = W_QK[:, 0, own][..., own] * scale * (k / (k + architecture.zero_tokens))
    value = value[:, 0, own] * scale / architecture.y_scale
    return layer_risk(W_QK, value, 1 / k, noise)


def softmax_heads(
    parameters: dict[str, Tensor], architecture: Architecture, d: int
) -> tuple[Float[Tensor, "head"], Float[Tensor, "head"]]:
    """ω̂ and μ̂ of every head of one replica of one layer of softmax on the tokens.

    A head whose W_QK is ωI on x and zero elsewhere, and whose W_V W_O reads y alone, predicts
    μ Σ softmax_i(ω x_testᵀx_i) y_i: a Nadaraya–Watson smoother with the kernel exp(ω x_testᵀx_i).
    ω̂ is trace/d of the x–x block of W_QK, on the d coordinates that prompts use; μ̂ minus the (y, y)
    entry of W_V W_O, because the network predicts minus the last coordinate. All else is neglected.
    """
    W_QK, to_y = (tensor[0] for tensor in merged(parameters, architecture))  # head token …
    return step_size(W_QK[:, :d, :d]), -to_y[:, -1]


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
    parameters = {name: tensor.double() for name, tensor in parameters.items()}
    gamma = preconditioner(*merged(parameters, architecture)).sum(dim=1)
    if settings["subspace"] == "axis":
        gamma = gamma[:, : settings["d"], : settings["d"]]
    return {"c_hat": float(step_size(gamma)), "isotropy": float(isotropy_distance(gamma))}
