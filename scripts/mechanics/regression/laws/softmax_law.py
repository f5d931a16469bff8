"""The best risk of one-layer softmax attention at finite d and k, by Monte Carlo.

A head's prediction is μ·v(ω)ᵀw, where v is the mean of the context's x with weights
∝ exp(ω x_iᵀx_test). Averaged over w ~ N(0, I) the risk is 1 − 2μ·E[vᵀx_test]/d + μ²·E‖v‖²/d:
no w need be drawn, the best μ is known for every ω, and one search over ω is left.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from scipy.optimize import minimize_scalar
from torch import Tensor


@dataclass(frozen=True)
class SoftmaxDraws:
    """Contexts and test points on which every (ω, μ) is judged alike.

    A shorter context is the beginning of a longer one.
    """

    x: Float[Tensor, "prompt k d"]
    x_test: Float[Tensor, "prompt d"]


def softmax_draws(d: int, k_max: int, n_prompts: int, generator: torch.Generator) -> SoftmaxDraws:
    """``n_prompts`` contexts of up to ``k_max`` points with one test point each, in float64."""
    normal = torch.randn(n_prompts, k_max + 1, d, dtype=torch.float64, generator=generator)
    return SoftmaxDraws(normal[:, 1:], normal[:, 0])


def softmax_head_risk(
    omega: float, scale: float, lengths: Sequence[int], n_heads: int, draws: SoftmaxDraws
) -> float:
    """Mean risk, over ``lengths``, of ``dot_product_smoother`` or ``two_head_smoother``."""
    aligned, squared = _moments(omega, lengths, n_heads, draws)
    return 1 - 2 * scale * aligned + scale**2 * squared


def optimal_softmax(
    lengths: Sequence[int], n_heads: int, draws: SoftmaxDraws
) -> tuple[float, float]:
    """(ω*, μ*) of one head, or of two heads whose ω and μ have opposite signs.

    ω is sought between 0.01 and 3 times d^-½, the optimum of one head at large d.
    """

    def risk_at_best_scale(log_omega: float) -> float:
        aligned, squared = _moments(10**log_omega, lengths, n_heads, draws)
        return 1 - aligned**2 / squared

    unit = -0.5 * torch.tensor(draws.x.shape[-1]).log10().item()
    bounds = (unit - 2.0, unit + 0.5)
    found = minimize_scalar(
        risk_at_best_scale, bounds=bounds, method="bounded", options={"xatol": 1e-4}
    )
    omega = float(10**found.x)
    aligned, squared = _moments(omega, lengths, n_heads, draws)
    return omega, aligned / squared


def _moments(
    omega: float, lengths: Sequence[int], n_heads: int, draws: SoftmaxDraws
) -> tuple[float, float]:
    """E[vᵀx_test]/d and E‖v‖²/d, with v of one or both heads, over lengths and prompts.

    The second is kept above 0, which it is where two heads see one point alone.
    """
    d = draws.x.shape[-1]
    v = _tilted_means(omega, draws)
    if n_heads == 2:
        v = v - _tilted_means(-omega, draws)
    v = v[:, [k - 1 for k in lengths]]
    aligned = (v * draws.x_test[:, None]).sum(-1).mean().item() / d
    return aligned, max(v.square().sum(-1).mean().item() / d, 1e-300)


def _tilted_means(omega: float, draws: SoftmaxDraws) -> Float[Tensor, "prompt k d"]:
    """v(ω) of the first 1, 2, … points: running sums serve all context lengths at once."""
    scores = omega * (draws.x @ draws.x_test[..., None])[..., 0]
    weights = (scores - scores.amax(dim=1, keepdim=True)).exp()[..., None]
    return (weights * draws.x).cumsum(dim=1) / weights.cumsum(dim=1)
