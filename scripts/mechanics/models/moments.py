"""Linear attention on tokens as algebra of second moments, with no token and no test point drawn.

A layer adds z T to every token z, T = W_QK Z W_OV, where Z = Σ z zᵀ / n is the second
moment of the context and n the number of keys; Z then becomes (I + T)ᵀ Z (I + T). So Z is all that
the network sees of a prompt, d + 1 rows in place of k, and ŷ is linear in x_test, so that the mean
over test points is exact. A test holds the errors equal to those of ``regression.forward``.
"""

from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mechanics.models.attention import project
from mechanics.models.prompts import Prompts
from mechanics.models.transformer import Architecture
from mechanics.runtime.seeds import stream_seed

# Bounds the entries of T in training, where one prompt that explodes would end the replica: those
# of a trained layer stay below it, and what is measured has no bound.
GUARD = 4.0
STRETCH = 2.0  # largest factor of a stretched XᵀX


@dataclass
class Moments:
    """Second moments of a batch of prompts: XᵀX, w with y = Xw + ε, k; and Xᵀε, εᵀε if noisy."""

    scatter: Float[Tensor, "seed prompt d d"]
    w: Float[Tensor, "seed prompt d"]
    k: Int[Tensor, "seed prompt"]
    x_noise: Float[Tensor, "seed prompt d"] | None = None
    noise_power: Float[Tensor, "seed prompt"] | None = None

    def to(self, device: torch.device) -> "Moments":
        own = [getattr(self, field.name) for field in fields(self)]
        return Moments(*(value if value is None else value.to(device) for value in own))


def draw_moments(
    stream: str,
    replica: int,
    step: int,
    lengths: Int[Tensor, "prompt"],
    d: int,
    n_stretched: int = 0,
    noise: float = 0.0,
) -> Moments:
    """Moments of prompts of these lengths, a pure function of the arguments; one replica.

    XᵀX = RᵀR, where R is the triangle of X = QR: rows i < k, squared diagonal χ² with k − i degrees
    of freedom, the rest N(0, 1) (Bartlett 1933; Muirhead 1982, theorem 3.2.14). The last
    ``n_stretched`` have XᵀX times a factor each, uniform between 1 and STRETCH. With noise
    Xᵀε = Rᵀe, where e is ε in the basis Q, and the rest of εᵀε is χ² with k − d degrees of freedom.
    """
    random = np.random.default_rng(stream_seed(stream, replica, step))
    normal = random.standard_normal((len(lengths), d, d + 1), dtype=np.float32)
    freedom = lengths.numpy()[:, None] - np.arange(d)
    chi = np.sqrt(random.chisquare(np.maximum(freedom, 1))).astype(np.float32)
    triangle = np.triu(normal[..., :d], 1)
    triangle[:, range(d), range(d)] = chi
    triangle *= (freedom > 0)[..., None]
    if n_stretched:
        factors = random.uniform(1, STRETCH, (n_stretched, 1, 1)).astype(np.float32)
        triangle[-n_stretched:] *= np.sqrt(factors)
    R = torch.from_numpy(triangle)[None]
    own = R.mT @ R, torch.from_numpy(normal[None, ..., d]), lengths[None]
    if not noise:
        return Moments(*own)
    e = noise**0.5 * random.standard_normal((len(lengths), d), dtype=np.float32) * (freedom > 0)
    outside = noise * random.gamma(np.maximum(lengths.numpy() - d, 0) / 2, 2.0)
    e, power = torch.from_numpy(e)[None], torch.from_numpy(outside.astype(np.float32))[None]
    return Moments(*own, (R.mT @ e[..., None])[..., 0], power + e.square().sum(-1))


def stack_moments(moments: list[Moments]) -> Moments:
    """One stack from the moments of single replicas."""
    columns = [[getattr(m, f.name) for m in moments] for f in fields(Moments)]
    return Moments(*(None if own[0] is None else torch.cat(own) for own in columns))


def moments_of(prompts: Prompts, w: Float[Tensor, "seed prompt d"]) -> Moments:
    """The moments of drawn prompts, whose masked tokens must be zero, with their true w."""
    k = torch.tensor(prompts.x.shape[-2]).expand(w.shape[:-1])
    if prompts.mask is not None:
        k = prompts.mask.sum(-1)
    return Moments(prompts.x.mT @ prompts.x, w, k)


def token_moments(
    moments: Moments, architecture: Architecture
) -> Float[Tensor, "seed prompt token token"]:
    """Z of the tokens [x; y] that the network reads, over the number of its keys."""
    scale = architecture.y_scale
    beside = moments.scatter @ moments.w[..., None] * scale
    corner = moments.w[..., None, :] @ beside * scale
    if moments.x_noise is not None:
        x_noise = moments.x_noise[..., None]
        added = 2 * moments.w[..., None, :] @ x_noise + moments.noise_power[..., None, None]
        beside, corner = beside + x_noise * scale, corner + added * scale**2
    rows = torch.cat([moments.scatter, beside], -1), torch.cat([beside.mT, corner], -1)
    return torch.cat(rows, -2) / (moments.k + architecture.zero_tokens)[..., None, None]


def squared_errors(
    parameters: dict[str, Tensor],
    moments: Moments,
    architecture: Architecture,
    guard: float | None = None,
) -> Float[Tensor, "seed prompt"]:
    """The exact mean, over x_test ~ N(0, I), of (ŷ − y_test)²: ‖ŵ − w‖² with ŷ = ŵᵀx_test.

    Raises ValueError for a network with softmax, an embedding or several heads.
    """
    if architecture.attention != "linear" or architecture.embedded or architecture.n_heads > 1:
        raise ValueError("only one head of linear attention on tokens is algebra of moments")
    Z, steps = token_moments(moments, architecture), []
    for layer in range(architecture.n_layers):
        W_Q, W_K, W_V, W_O = (parameters[f"blocks.{layer}.attn.W_{c}"][:, 0] for c in "QKVO")
        asked = project(Z, W_K @ W_Q.mT * architecture.score_scale).mT  # W_QK Z: Z is symmetric
        step = project(asked, W_V @ W_O)
        if guard is not None:
            step = step.clamp(-guard, guard)
        steps.append(step)
        if layer < architecture.n_layers - 1:
            moved = Z + Z @ step
            Z = moved + step.mT @ moved
    read = torch.zeros_like(Z[..., :1])
    read[..., -1, 0] = -1 / architecture.y_scale
    for step in reversed(steps):  # ŷ = z_test (I + T_1) … (I + T_L) read
        read = read + step @ read
    return (read[..., :-1, 0] - moments.w).square().sum(-1)
