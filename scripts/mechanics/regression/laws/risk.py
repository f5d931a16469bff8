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
    """E[1/k] over the mixture. Raises ValueError without lengths, or for one that is below 1."""
    if len(lengths) == 0 or min(lengths) < 1:
        raise ValueError(f"context lengths must be at least 1, not {list(lengths)}")
    return sum(1 / k for k in lengths) / len(lengths)


def one_step_risk(step_size: float, d: int, k: int, noise: float = 0.0) -> float:
    """Risk of one step of size c with noise σ²: 1 − 2c + c²(k+d+1)/k + c²σ²/k.

    With the c of shorter contexts and k → ∞ it tends to (1 − c)²: one step never becomes least
    squares.
    """
    return 1 - 2 * step_size + step_size**2 * (k + d + 1) / k + step_size**2 * noise / k


def optimal_step_size(d: int, lengths: Sequence[int], noise: float = 0.0) -> float:
    """c* = 1/(1 + (d+1+σ²)·E[1/k]); k/(k+d+1+σ²) for a single k, where the risk is 1 − c*.

    The mean of ``one_step_risk`` over the mixture is 1 − c* too.

    Raises ValueError as ``mean_inverse`` does.
    """
    return 1 / (1 + (d + 1 + noise) * mean_inverse(lengths))


def preconditioned_risk(
    preconditioner: Float[Tensor, "d d"],
    covariance: Float[Tensor, "d d"],
    k: int,
    noise: float = 0.0,
) -> float:
    """Risk of ŷ = x_testᵀΓG for any Γ where x ~ N(0, Λ), relative to E[y²] = trΛ.

    E‖Λ^½(I − ΓS)‖²_F with E[S²] = (1 + 1/k)Λ² + trΛ/k · Λ.
    """
    preconditioner, covariance = preconditioner.double(), covariance.double()
    mapped = covariance @ preconditioner @ covariance
    curvature = _curvature(covariance, 1 / k, noise)
    quadratic = torch.trace(mapped @ curvature @ preconditioner.T)
    total = torch.trace(covariance)
    return ((total - 2 * torch.trace(mapped) + quadratic) / total).item()


def optimal_task_preconditioner(
    moment: Float[Tensor, "d d"], lengths: Sequence[int], noise: float = 0.0
) -> Float[Tensor, "d d"]:
    """Γ*(T) = C[(1 + E[1/k])C + (trC + σ²)E[1/k]·I]⁻¹ for x ~ N(0, I) and E[wwᵀ] = C = ``moment``.

    It is best for w that are drawn from T tasks, of which C is the mean wwᵀ (Lu et al. 2025); the
    inverse alone is that for x ~ N(0, C) and w ~ N(0, I) (Ahn et al. 2023, theorem 1). In float64.

    Raises ValueError as ``mean_inverse`` does.
    """
    curvature = _curvature(moment.double(), mean_inverse(lengths), noise)
    inverse = torch.linalg.solve(curvature, torch.eye(len(curvature), dtype=torch.float64))
    return moment.double() @ inverse


def task_risk(
    preconditioner: Float[Tensor, "d d"], moment: Float[Tensor, "d d"], k: int, noise: float = 0.0
) -> float:
    """E‖w − ΓG‖²/d for x ~ N(0, I) and E[wwᵀ] = C = ``moment``.

    E[GGᵀ] = (1 + 1/k)C + (trC + σ²)/k · I.
    """
    preconditioner, moment = preconditioner.double(), moment.double()
    left = moment - 2 * preconditioner @ moment
    left = left + preconditioner @ _curvature(moment, 1 / k, noise) @ preconditioner.T
    return left.trace().item() / len(moment)


def _curvature(
    covariance: Float[Tensor, "d d"], inverse_length: float, noise: float
) -> Float[Tensor, "d d"]:
    """The B with E[S² + noise] = ΛB; for x ~ N(0, I) and E[wwᵀ] = Λ it is E[GGᵀ]."""
    isotropic = (torch.trace(covariance) + noise) * inverse_length
    identity = torch.eye(len(covariance), dtype=torch.float64)
    return (1 + inverse_length) * covariance + isotropic * identity


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


def debiased_risk(step_size: float, d: int, k: int) -> float:
    """Risk of one step of size c on the centred context, the limit of two softmax heads.

    k(S − x̄x̄ᵀ) is a Wishart matrix of n = k − 1 degrees of freedom, hence
    1 − 2cn/k + c²n(n+d+1)/k².
    """
    n = k - 1
    return 1 - 2 * step_size * n / k + step_size**2 * n * (n + d + 1) / k**2


def optimal_debiased_step_size(d: int, lengths: Sequence[int]) -> float:
    """The c that minimises the mean of ``debiased_risk``; (d+1)/(k+d) is the risk at a single k.

    Raises ValueError as ``mean_inverse`` does, or if no length is above 1.
    """
    mean_inverse(lengths)
    if max(lengths) == 1:
        raise ValueError("a single pair has no spread: debiased steps need k > 1")
    linear = sum((k - 1) / k for k in lengths)
    return linear / sum((k - 1) * (k + d) / k**2 for k in lengths)
