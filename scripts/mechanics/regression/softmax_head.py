"""What one layer of softmax attention on the tokens computes, read from its merged weights.

A head whose W_QK is ωI on x and zero elsewhere, and whose W_V W_O reads y alone, predicts
μ Σ softmax_i(ω x_testᵀx_i) y_i: a Nadaraya–Watson smoother with the kernel exp(ω x_testᵀx_i). The
network's prediction is the sum over its heads.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from mechanics.models.transformer import Architecture
from mechanics.regression.effective_weights import isotropy_distance


@dataclass(frozen=True)
class SoftmaxHeads:
    """ω̂ and μ̂ of every head, and how far it is from the smoother that they describe.

    ``omega`` is ω̂ = trace/d of the x–x block of W_QK, ``isotropy`` ‖block − ω̂I‖_F/‖block‖_F.
    ``query_key_rest`` is the norm of the entries between the query's x and the context's y,
    relative to |ω̂|; the row of the query's y is multiplied by 0 and has no effect.
    ``scale`` is μ̂, minus the (y, y) entry of W_V W_O, because the network predicts minus the last
    coordinate. ``value_rest`` is the norm of the entries from x to y, relative to |μ̂|.
    """

    omega: Float[Tensor, "seed head"]
    isotropy: Float[Tensor, "seed head"]
    query_key_rest: Float[Tensor, "seed head"]
    scale: Float[Tensor, "seed head"]
    value_rest: Float[Tensor, "seed head"]


def softmax_heads(
    parameters: dict[str, Tensor], architecture: Architecture, d: int
) -> SoftmaxHeads:
    """Read the heads where they act on prompts whose x has zeros beyond its first d coordinates.

    Raises ValueError for a network that is not one layer of softmax attention on the tokens, or
    if its tokens have fewer than d coordinates of x.
    """
    if architecture.attention != "softmax" or architecture.n_layers != 1 or architecture.embedded:
        raise ValueError(
            "ω̂ and μ̂ are defined for one layer of softmax attention on the tokens only"
        )
    if architecture.d_mlp or architecture.layer_norm:
        raise ValueError("ω̂ and μ̂ are defined for attention alone, without MLP and LayerNorm")
    if not 1 <= d < architecture.d_model:
        raise ValueError(f"d = {d}: tokens of size {architecture.d_model} have fewer coordinates")
    W_Q, W_K, W_V, W_O = (parameters[f"blocks.0.attn.W_{letter}"] for letter in "QKVO")
    W_QK = W_Q @ W_K.transpose(-1, -2) * architecture.score_scale
    to_y = (W_V @ W_O)[..., -1]  # seed head token
    block = W_QK[..., :d, :d]
    omega = block.diagonal(dim1=-2, dim2=-1).mean(dim=-1)
    scale = -to_y[..., -1]
    return SoftmaxHeads(
        omega,
        isotropy_distance(block.flatten(0, 1)).unflatten(0, omega.shape),
        W_QK[..., :d, -1].norm(dim=-1) / omega.abs(),
        scale,
        to_y[..., :d].norm(dim=-1) / scale.abs(),
    )
