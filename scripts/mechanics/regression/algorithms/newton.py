"""Newton's iteration for the inverse of S = XᵀX/k: a second-order rival of gradient descent."""

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models.prompts import Prompts
from mechanics.regression.algorithms.context import in_float64, linear_predictions, second_moments


def newton(prompts: Prompts, n_steps: int) -> Float[Tensor, "seed prompt query"]:
    """ŷ = x_testᵀ M G after ``n_steps`` of M ← 2M − MSM (Schulz 1933; Fu et al. 2023).

    Starts at M = S/‖S‖₂², within the multiples of S below 2/‖S‖₂² from which the iteration
    converges to S⁺ (Ben-Israel 1965). What is left of the error along an eigenvalue s of S is
    (1 − s²/‖S‖₂²)^(2^n), a polynomial of degree 2^(n+1): as many steps of gradient descent.
    The limit is least squares, of least norm where S is singular; there, past some 40 steps,
    rounding outside the range of S doubles until it is seen.

    Raises ValueError for a negative number of steps, or if the prompts carry a mask.
    """
    if n_steps < 0:
        raise ValueError(f"Newton's iteration needs at least 0 steps, not {n_steps}")
    context = in_float64(prompts)
    covariance, gradient = second_moments(context.x, context.y)
    norm = torch.linalg.matrix_norm(covariance, ord=2, keepdim=True)
    inverse = covariance / norm**2
    for _ in range(n_steps):
        inverse = 2 * inverse - inverse @ covariance @ inverse
    return linear_predictions((inverse @ gradient[..., None])[..., 0], prompts)
