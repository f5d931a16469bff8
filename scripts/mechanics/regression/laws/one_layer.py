"""Exact risk of one layer of linear attention, whatever its weights: no prompt is drawn.

With W_QK = [A a; ·] and (W_V W_O)[:, y] = [β; b], ŷ = ŵᵀx_test with
ŵ = −(N S w + A S β + a b wᵀSw), N = bA + aβᵀ. The first term is a preconditioned step, whose law is
``risk.preconditioned_risk``; the others are what stray weights add. The mean of ‖ŵ − w‖² over
w ~ N(0, I) follows from the moments of S = XᵀX/k: E[S] = I, E[SBS] = (1 + 1/k)B + tr B/k · I,
E[S tr S] = (d + 2/k)I, E[(tr S)²] = d² + 2d/k and E[tr S²] = d(k + d + 1)/k.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models.transformer import Architecture


def has_exact_risk(architecture: Architecture) -> bool:
    """Whether the network is one head of one linear layer on the tokens, without a clip."""
    one_layer = architecture.attention == "linear" and architecture.n_layers == 1
    on_tokens = not architecture.embedded and architecture.activation_clip is None
    return one_layer and on_tokens and architecture.n_heads == 1


def exact_risk(
    parameters: dict[str, Tensor], architecture: Architecture, d: int, k: int
) -> Float[Tensor, "seed"]:
    """Risk of every replica on prompts of k pairs that lie in the first d coordinates. In float64.

    Raises ValueError for a network without one (``has_exact_risk``).
    """
    if not has_exact_risk(architecture):
        raise ValueError("only one head of one linear layer on the tokens has an exact risk")
    W_Q, W_K, W_V, W_O = (parameters[f"blocks.0.attn.W_{c}"][:, 0].double() for c in "QKVO")
    divided = k / (k + architecture.zero_tokens)
    W_QK = W_Q @ W_K.mT * architecture.score_scale * divided
    W_OV = W_V @ W_O
    A, a = W_QK[:, :d, :d], W_QK[:, :d, -1] * architecture.y_scale
    beta, b = W_OV[:, :d, -1] / architecture.y_scale, W_OV[:, -1, -1]
    N = b[:, None, None] * A + a[:, :, None] * beta[:, None, :]
    A_beta = torch.einsum("sij,sj->si", A, beta)
    norm = torch.linalg.vector_norm
    step = d + 2 * N.diagonal(dim1=1, dim2=2).sum(1) + (k + d + 1) / k * norm(N, dim=(1, 2)) ** 2
    constant = (1 + 1 / k) * norm(A_beta, dim=1) ** 2
    constant += norm(beta, dim=1) ** 2 * norm(A, dim=(1, 2)) ** 2 / k
    crossed = 2 * b * (d + 2 / k) * (a * A_beta).sum(1)
    quadratic = (a * b[:, None]).square().sum(1)
    quadratic *= d**2 + 2 * d / k + 2 * d * (k + d + 1) / k
    return (step + constant + crossed + quadratic) / d
