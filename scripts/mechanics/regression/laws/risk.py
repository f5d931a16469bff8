"""Risk laws of single-layer predictors, in closed form and without a free parameter.

Risk is MSE/E[y²], so that predicting 0 scores 1. Unless said otherwise x ~ N(0, I_d),
w ~ N(0, I_d) and y = wᵀx. Where there is noise of variance σ² in the context, the error is
measured against wᵀx_test. ``lengths`` are context lengths, each as probable as the others: what
is optimal for a mixture is found with all of them, for a single k with [k].
The laws of one step follow from E[S] = I and E[S²] = (k + d + 1)/k · I, those of ``depth``
from higher moments of S = XᵀX/k.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def mean_inverse(lengths: Sequence[int]) -> float:
    """E[1/k] over the mixture."""
    return sum(1 / k for k in lengths) / len(lengths)


def one_step_risk(step_size: float, d: int, k: int, noise: float = 0.0) -> float:
    """Risk of one step of size c with noise σ²: 1 − 2c + c²(k+d+1)/k + c²σ²/k.

    With the c of shorter contexts and k → ∞ it tends to (1 − c)²: one step never becomes least
    squares.
    """
    return 1 - 2 * step_size + step_size**2 * (k + d + 1) / k + step_size**2 * noise / k


def optimal_step_size(
    d: int, lengths: Sequence[int], noise: float = 0.0, zero_tokens: int = 0
) -> float:
    """c* = 1/(1 + (d+1+σ²)·E[1/k]); k/(k+d+1+σ²) for a single k, where the risk is 1 − c*.

    The mean of ``one_step_risk`` over the mixture is 1 − c* too. With ``zero_tokens`` = z a step of
    size c is one of size qc, q = k/(k+z): then c* = E[q]/E[q²(k+d+1+σ²)/k].
    """
    shares = [k / (k + zero_tokens) for k in lengths]
    curvature = (q**2 * (1 + (d + 1 + noise) / k) for q, k in zip(shares, lengths, strict=True))
    return sum(shares) / sum(curvature)


def preconditioned_error(
    preconditioner: Float[Tensor, "d d"],
    k: int,
    noise: float = 0.0,
    covariance: Float[Tensor, "d d"] | None = None,
    moment: Float[Tensor, "d d"] | None = None,
) -> float:
    """Mean squared error of ŷ = x_testᵀΓG for any Γ, where x ~ N(0, Λ) and E[wwᵀ] = C.

    E‖Λ^½(w − ΓG)‖² with E[GGᵀ] = (1 + 1/k)ΛCΛ + (tr ΛC + σ²)/k · Λ. ``covariance`` Λ and ``moment``
    C are the identity unless given; predicting 0 has the error tr ΛC. In float64.
    """
    gamma = preconditioner.double()
    identity = torch.eye(len(gamma), dtype=torch.float64)
    x, w = (identity if own is None else own.double() for own in (covariance, moment))
    power = torch.trace(x @ w)
    of_gradient = (1 + 1 / k) * x @ w @ x + (power + noise) / k * x
    linear, quadratic = x @ gamma @ x @ w, x @ gamma @ of_gradient @ gamma.T
    return (power - 2 * torch.trace(linear) + torch.trace(quadratic)).item()


def optimal_task_preconditioner(
    moment: Float[Tensor, "d d"], lengths: Sequence[int], noise: float = 0.0
) -> Float[Tensor, "d d"]:
    """Γ*(T) = C[(1 + E[1/k])C + (trC + σ²)E[1/k]·I]⁻¹ for x ~ N(0, I) and E[wwᵀ] = C = ``moment``.

    It is best for w that are drawn from T tasks, of which C is the mean wwᵀ (Lu et al. 2025); the
    inverse alone is that for x ~ N(0, C) and w ~ N(0, I) (Ahn et al. 2023, theorem 1). In float64.
    """
    moment, inverse_length = moment.double(), mean_inverse(lengths)
    identity = torch.eye(len(moment), dtype=torch.float64)
    isotropic = (torch.trace(moment) + noise) * inverse_length * identity
    return moment @ torch.linalg.inv((1 + inverse_length) * moment + isotropic)


def least_squares_risk(d: int, k: int, noise: float = 0.0) -> float:
    """Risk of (least-norm) least squares: max(0, 1 − k/d), and with noise the variance it adds.

    The variance is σ²/(k−d−1) for k > d + 1, σ²k/(d(d−k−1)) for k < d − 1, and infinite
    between (Belkin, Hsu & Xu 2020, theorem 1).
    """
    bias = max(0.0, 1 - k / d)
    if noise == 0:
        return bias
    if abs(k - d) <= 1:
        return math.inf
    return bias + (noise / (k - d - 1) if k > d else noise * k / (d * (d - k - 1)))


def gradient_cosine(d: int, k: int, noise: float = 0.0) -> float:
    """cos(XᵀY, w) ≈ √(k/(k+d+1+σ²)), the cosine with one step that any predictor near w reaches.

    The null of "it is gradient descent". A ratio of expectations for the expectation of a
    ratio: it lies below the mean cosine, at d = 10 by 4 % for k = 10 and by 2 % for k = 40.
    """
    return math.sqrt(k / (k + d + 1 + noise))
