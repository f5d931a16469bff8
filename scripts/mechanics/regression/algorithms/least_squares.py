"""Predicting zero, ordinary least squares and ridge regression."""

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models.prompts import Prompts
from mechanics.regression.algorithms.context import in_float64, linear_predictions


def zero(prompts: Prompts) -> Float[Tensor, "seed prompt query"]:
    """ŷ = 0, the prediction whose normalised risk is 1."""
    return torch.zeros_like(prompts.x_test[..., 0])


def ordinary_least_squares(prompts: Prompts) -> Float[Tensor, "seed prompt query"]:
    """ŷ = x_testᵀ X⁺Y: the fit of least squares, and of least norm where several fit alike.

    Without noise it is the Bayes-optimal prediction for w ~ N(0, I). For k < d and wherever XᵀX
    is singular the pseudo-inverse X⁺ stays defined.

    Raises ValueError if the prompts carry a mask.
    """
    return _shrunken_fit(prompts, penalty=0.0)


def ridge(prompts: Prompts, penalty: float) -> Float[Tensor, "seed prompt query"]:
    """ŷ = x_testᵀ (XᵀX + penalty·I)⁻¹ XᵀY (Hoerl & Kennard 1970).

    The penalty belongs to the sum over the context, without 1/k: penalty = σ² is Bayes-optimal
    for w ~ N(0, I) and noise of variance σ². As penalty → 0 it becomes least squares.

    Raises ValueError for a negative penalty, or if the prompts carry a mask.
    """
    if penalty < 0:
        raise ValueError(f"the penalty of ridge must be at least 0, not {penalty}")
    return _shrunken_fit(prompts, penalty)


def posterior_mean(
    prompts: Prompts, tasks: Float[Tensor, "task d"], noise: float
) -> Float[Tensor, "seed prompt query"]:
    """The Bayes-optimal ŷ where w is one of ``tasks``, all equally probable (Raventós et al. 2023).

    Tasks weigh ∝ exp(−‖Y − Xw‖²/2σ²); without noise the one that fits best is all.

    Raises ValueError if the prompts carry a mask.
    """
    context, tasks = in_float64(prompts), tasks.to(prompts.x.device).double()
    misfits = (context.y[..., None] - context.x @ tasks.T).square().sum(-2)
    if noise:
        return linear_predictions((-misfits / (2 * noise)).softmax(-1) @ tasks, prompts)
    return linear_predictions(tasks[misfits.argmin(-1)], prompts)


def _shrunken_fit(prompts: Prompts, penalty: float) -> Float[Tensor, "seed prompt query"]:
    context = in_float64(prompts)
    left, singular, right = torch.linalg.svd(context.x, full_matrices=False)
    # Rank is judged by the precision in which the prompts were stored: float32 rows that depend
    # on one another do so only up to 1e-7, and dividing by that would magnify rounding.
    cutoff = max(context.x.shape[-2:]) * torch.finfo(prompts.x.dtype).eps * singular[..., :1]
    kept = singular > cutoff
    shrunken = torch.where(kept, singular, 0.0) / torch.where(kept, singular**2 + penalty, 1.0)
    projected = (left.transpose(-1, -2) @ context.y[..., None])[..., 0]
    weights = right.transpose(-1, -2) @ (shrunken * projected)[..., None]
    return linear_predictions(weights[..., 0], prompts)
