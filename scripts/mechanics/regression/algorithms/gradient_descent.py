"""Gradient descent on ‖Xw − Y‖²/2k from w = 0, and its relatives.

The gradient at w is Sw − G with S = XᵀX/k and G = XᵀY/k. Step sizes of a given depth are found
by ``depth``; the best single step is in ``risk``.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models.prompts import Prompts
from mechanics.regression.algorithms.context import in_float64, linear_predictions, second_moments


def averaging(prompts: Prompts) -> Float[Tensor, "seed prompt query"]:
    """ŷ = x_testᵀ (1/k) Σ x_i y_i: the mean of x_i y_i, whose expectation is w, taken for w.

    The averaging estimator of Garg et al. 2022. It is ``one_step`` with step size 1.

    Raises ValueError if the prompts carry a mask.
    """
    return one_step(prompts, 1.0)


def one_step(prompts: Prompts, step_size: float) -> Float[Tensor, "seed prompt query"]:
    """ŷ = step_size · x_testᵀ XᵀY/k, one step from w = 0.

    What von Oswald et al. 2023 (Proposition 1) construct from one linear-attention layer, with the
    1/k of a mean gradient.

    Raises ValueError if the prompts carry a mask.
    """
    return gradient_descent(prompts, [step_size])


def preconditioned_step(
    prompts: Prompts, preconditioner: Float[Tensor, "*seed d d"]
) -> Float[Tensor, "seed prompt query"]:
    """ŷ = x_testᵀ Γ XᵀY/k, all that one linear-attention layer can be (Ahn et al. 2023).

    ``preconditioner`` is Γ [d d], or one per replica [seed d d]; Γ = cI is ``one_step`` with
    step size c.

    Raises ValueError if the prompts carry a mask.
    """
    context = in_float64(prompts)
    _, gradient = second_moments(context.x, context.y)
    return linear_predictions(gradient @ preconditioner.double().mT, prompts)


def gradient_descent(
    prompts: Prompts, step_sizes: Sequence[float]
) -> Float[Tensor, "seed prompt query"]:
    """One step of gradient descent for each of ``step_sizes``, which may all be the same.

    After L steps w − ŵ = Π (I − η_l S) w where the prompt has no noise.

    Raises ValueError if the prompts carry a mask.
    """
    context = in_float64(prompts)
    covariance, gradient = second_moments(context.x, context.y)
    weights = torch.zeros_like(gradient)
    for step_size in step_sizes:
        residual = gradient - (covariance @ weights[..., None])[..., 0]
        weights = weights + step_size * residual
    return linear_predictions(weights, prompts)


def gd_plus_plus(
    prompts: Prompts, step_sizes: Sequence[float], gammas: Sequence[float]
) -> Float[Tensor, "seed prompt query"]:
    """GD++ of von Oswald et al. 2023: x ← (I − γS)x for every x between two steps.

    Each step reads the transformed x and the residuals y that the steps before it left, as a
    layer reads the stream of the layer below it. L steps reach degree (3^L − 1)/2 in S; γ = 0
    throughout is ``gradient_descent``.

    Raises ValueError unless there is one γ between any two steps, or if there is a mask.
    """
    if len(gammas) != len(step_sizes) - 1:
        raise ValueError(f"{len(step_sizes)} steps need one γ fewer, not {len(gammas)}")
    context = in_float64(prompts)
    x, residuals, x_test = context.x, context.y, context.x_test
    predictions = torch.zeros_like(x_test[..., 0])
    for step_size, gamma in zip(step_sizes, [*gammas, 0.0], strict=True):
        covariance, gradient = second_moments(x, residuals)
        predictions = predictions + step_size * (x_test @ gradient[..., None])[..., 0]
        residuals = residuals - step_size * (x @ gradient[..., None])[..., 0]
        x, x_test = x - gamma * x @ covariance, x_test - gamma * x_test @ covariance
    return predictions.to(prompts.x.dtype)
