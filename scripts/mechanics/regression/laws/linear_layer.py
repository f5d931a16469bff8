"""The exact risk of any one layer of linear attention on the tokens, and of its training.

With merged weights W_QK = [[A, a], […]] and v = [β; b], the column of W_V W_O that writes y, it
predicts ŷ = −[x_test; 0]ᵀ W_QK Z v with Z = Σ zzᵀ/k over the tokens z = [x; y]. Its effective
weights are −(N S w + A S β + a b wᵀSw): Γ̂ = −N = −(bA + aβᵀ) is the preconditioner, the rest stray.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.regression.laws.risk import optimal_step_size


def preconditioner(
    W_QK: Float[Tensor, "*seed token token"], value: Float[Tensor, "*seed token"]
) -> Float[Tensor, "*seed d d"]:
    """Γ̂ = −(bA + aβᵀ): keys that read x with values that read y, and the other way round."""
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


def step_size_curve(
    steps: Sequence[int], start: float, rate: float, d: int, lengths: Sequence[int]
) -> Float[Tensor, " step"]:
    """ĉ over gradient descent on half the mean squared error, from a balanced isotropic start.

    With A = uI and b = −√d·u the flow of c = √d·u² is logistic (Zhang, Singh, Latham & Saxe 2025):
    c(t) = c*/(1 + (c*/c₀ − 1)e^(−2√d·t)), c₀ = ``start``, t = ``rate`` × step. Steps of finite
    size grow u by 1 + √d·rate each, hence log(1 + √d·rate) in the place of √d·rate.
    """
    best = optimal_step_size(d, lengths)
    grown = 2 * math.log1p(math.sqrt(d) * rate) * torch.tensor(list(steps), dtype=torch.float64)
    return best / (1 + (best / start - 1) * torch.exp(-grown))


def balanced_start(start: float, d: int) -> tuple[Float[Tensor, "token token"], Tensor]:
    """W_QK and value vector of the start of ``step_size_curve``: A = uI, b = −√d·u, √d·u² = c₀."""
    u = math.sqrt(start / math.sqrt(d))
    W_QK = torch.zeros(d + 1, d + 1, dtype=torch.float64)
    W_QK[:d, :d] = u * torch.eye(d, dtype=torch.float64)
    value = torch.zeros(d + 1, dtype=torch.float64)
    value[d] = -math.sqrt(d) * u
    return W_QK, value


def saddle_risk(rank: int, d: int, lengths: Sequence[int]) -> float:
    """1 − m·c*/d, the mean risk where only ``rank`` = m directions of Γ̂ have been learned.

    The mean risk of one step along m orthogonal directions is
    1 − (m/d)(2c − c²(1 + (d + 1)E[1/k])), least at the same c* for every m.
    """
    return 1 - rank * optimal_step_size(d, lengths) / d
