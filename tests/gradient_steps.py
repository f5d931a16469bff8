"""Token networks whose layers are known: heads with given merged weights, and gradient steps."""

import torch
from helpers import single

from mechanics.models.transformer import Architecture


def token_layers(
    attention: str = "linear", d: int = 3, n_layers: int = 1, n_heads: int = 1
) -> Architecture:
    """Attention alone, on the tokens [x; y] themselves."""
    return Architecture(attention, n_layers, n_heads, d + 1, d + 1, 0, False, False)


def merged_heads(W_QK: torch.Tensor, W_VO: torch.Tensor, layer: int = 0) -> dict:
    """Weights of one replica with these W_QK, scaled, and W_V W_O [head, token, token]."""
    identity = torch.eye(W_QK.shape[-1], dtype=W_QK.dtype).expand_as(W_QK)
    query = W_QK * W_QK.shape[-1] ** 0.5  # over score_scale
    matrices = {"Q": query, "K": identity, "V": identity, "O": W_VO}
    return {f"blocks.{layer}.attn.W_{name}": m[None].clone() for name, m in matrices.items()}


def merged_step(gamma: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """W_QK and W_V W_O [1, token, token] of a layer that is one preconditioned step, Γ [d, d]."""
    d = len(gamma)
    match, write = torch.zeros(2, 1, d + 1, d + 1, dtype=torch.float64)
    match[0, :d, :d], write[0, d, d] = gamma, -1
    return match, write


def gradient_steps(step_sizes, d: int) -> tuple[dict[str, torch.Tensor], Architecture]:
    """Weights (float64, one replica) and architecture: layer l is a step of ``step_sizes[l]``."""
    weights = {}
    for layer, size in enumerate(step_sizes):
        match, write = merged_step(torch.eye(d))
        weights |= merged_heads(match, size * write, layer)
    return weights, token_layers(d=d, n_layers=len(step_sizes))


def one_step(d: int, size: float) -> dict[str, torch.Tensor]:
    """One layer that is a gradient step: float32, without a seed dimension."""
    return single(gradient_steps([size], d)[0])


def smoothing_heads(omegas, scales, d: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """W_QK and W_V W_O [head, token, token] of softmax heads that are kernel smoothers."""
    omega, scale = (torch.tensor(own, dtype=torch.float64) for own in (omegas, scales))
    match, write = torch.zeros(2, len(omega), d + 1, d + 1, dtype=torch.float64)
    match[:, :d, :d] = omega[:, None, None] * torch.eye(d)
    write[:, d, d] = -scale
    return match, write
