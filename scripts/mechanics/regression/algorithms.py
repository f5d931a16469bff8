"""The algorithms with which networks are compared.

An algorithm has the call of a trained network: Prompts in, predictions [seed prompt query] out, in
the dtype of the prompts. It reads its context in float64: a baseline must not lose to rounding.
S = XᵀX/k and G = XᵀY/k carry the 1/k of the networks' attention, so that a step size means the
same for an algorithm and for a layer. The best step sizes are in ``laws.risk`` and ``laws.depth``.

All but ``zero`` raise ValueError if the prompts carry a mask.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models.prompts import Prompts

Predictions = Float[Tensor, "seed prompt query"]
Predictor = Callable[[Prompts], Predictions]


def in_float64(prompts: Prompts) -> Prompts:
    """The same prompts in float64. Raises ValueError for a mask: whole contexts are read."""
    if prompts.mask is not None:
        raise ValueError("the algorithms need prompts of one length, without a mask")
    return prompts.double()


def second_moments(
    x: Float[Tensor, "seed prompt k d"], y: Float[Tensor, "seed prompt k"]
) -> tuple[Float[Tensor, "seed prompt d d"], Float[Tensor, "seed prompt d"]]:
    """S = XᵀX/k and G = XᵀY/k of every prompt."""
    transposed, k = x.transpose(-1, -2), x.shape[-2]
    return transposed @ x / k, (transposed @ y[..., None])[..., 0] / k


def linear_predictions(weights: Float[Tensor, "seed prompt d"], prompts: Prompts) -> Predictions:
    """ŷ = x_testᵀ ŵ, in the dtype of the prompts."""
    predictions = prompts.x_test.to(weights.dtype) @ weights[..., None]
    return predictions[..., 0].to(prompts.x.dtype)


def mirrored(predictor: Predictor) -> Predictor:
    """−predictor(−x_test): as good as the predictor itself, because x and −x are as probable.

    A softmax head may learn either: ω and μ, or −ω and −μ.
    """
    return lambda prompts: -predictor(replace(prompts, x_test=-prompts.x_test))


def zero(prompts: Prompts) -> Predictions:
    """ŷ = 0, the prediction whose normalised risk is 1."""
    return torch.zeros_like(prompts.x_test[..., 0])


def preconditioned_step(
    prompts: Prompts, preconditioner: Float[Tensor, "*seed d d"]
) -> Predictions:
    """ŷ = x_testᵀ Γ XᵀY/k, all that one linear-attention layer can be (Ahn et al. 2023).

    ``preconditioner`` is Γ [d d], or one per replica [seed d d].
    """
    context = in_float64(prompts)
    _, gradient = second_moments(context.x, context.y)
    return linear_predictions(gradient @ preconditioner.double().mT, prompts)


def gradient_descent(prompts: Prompts, step_sizes: Sequence[float]) -> Predictions:
    """Gradient descent on ‖Xw − Y‖²/2k from w = 0, a step for each of ``step_sizes``.

    The gradient at w is Sw − G, and w − ŵ = Π (I − η_l S) w where the prompt has no noise. One step
    is what von Oswald et al. 2023 (Proposition 1) construct from one linear-attention layer, with
    the 1/k of a mean gradient; of size 1 it is the averaging estimator of Garg et al. 2022.
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
) -> Predictions:
    """GD++ of von Oswald et al. 2023: x ← (I − γS)x for every x between two steps.

    Each step reads the transformed x and the residuals y that the steps before it left, as a
    layer reads the stream of the layer below it. L steps reach degree (3^L − 1)/2 in S; γ = 0
    throughout is ``gradient_descent``. There is one γ between any two steps.
    """
    context = in_float64(prompts)
    x, residuals, x_test = context.x, context.y, context.x_test
    predictions = torch.zeros_like(x_test[..., 0])
    for step_size, gamma in zip(step_sizes, [*gammas, 0.0], strict=True):
        covariance, gradient = second_moments(x, residuals)
        predictions = predictions + step_size * (x_test @ gradient[..., None])[..., 0]
        residuals = residuals - step_size * (x @ gradient[..., None])[..., 0]
        x, x_test = x - gamma * x @ covariance, x_test - gamma * x_test @ covariance
    return predictions.to(prompts.x.dtype)


def newton(prompts: Prompts, n_steps: int) -> Predictions:
    """ŷ = x_testᵀ M G after ``n_steps`` of M ← 2M − MSM (Schulz 1933; Fu et al. 2023).

    Starts at M = S/‖S‖₂², within the multiples of S below 2/‖S‖₂² from which the iteration
    converges to S⁺ (Ben-Israel 1965). What is left of the error along an eigenvalue s of S is
    (1 − s²/‖S‖₂²)^(2^n), a polynomial of degree 2^(n+1): as many steps of gradient descent.
    The limit is least squares, of least norm where S is singular; there, past some 40 steps,
    rounding outside the range of S doubles until it is seen.
    """
    context = in_float64(prompts)
    covariance, gradient = second_moments(context.x, context.y)
    norm = torch.linalg.matrix_norm(covariance, ord=2, keepdim=True)
    inverse = covariance / norm**2
    for _ in range(n_steps):
        inverse = 2 * inverse - inverse @ covariance @ inverse
    return linear_predictions((inverse @ gradient[..., None])[..., 0], prompts)


def ordinary_least_squares(prompts: Prompts) -> Predictions:
    """ŷ = x_testᵀ X⁺Y: the fit of least squares, and of least norm where several fit alike.

    Without noise it is the Bayes-optimal prediction for w ~ N(0, I).
    """
    return ridge(prompts, penalty=0.0)


def ridge(prompts: Prompts, penalty: float) -> Predictions:
    """ŷ = x_testᵀ (XᵀX + penalty·I)⁻¹ XᵀY (Hoerl & Kennard 1970).

    The penalty belongs to the sum over the context, without 1/k: penalty = σ² is Bayes-optimal
    for w ~ N(0, I) and noise of variance σ². With penalty 0 it is least squares.
    """
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


def posterior_mean(prompts: Prompts, tasks: Float[Tensor, "task d"], noise: float) -> Predictions:
    """The Bayes-optimal ŷ where w is one of ``tasks``, all equally probable (Raventós et al. 2023).

    Tasks weigh ∝ exp(−‖Y − Xw‖²/2σ²); without noise the one that fits best is all.
    """
    context, tasks = in_float64(prompts), tasks.to(prompts.x.device).double()
    misfits = (context.y[..., None] - context.x @ tasks.T).square().sum(-2)
    if noise:
        return linear_predictions((-misfits / (2 * noise)).softmax(-1) @ tasks, prompts)
    return linear_predictions(tasks[misfits.argmin(-1)], prompts)


def gaussian_smoother(prompts: Prompts, bandwidth: float) -> Predictions:
    """Nadaraya–Watson with weights ∝ exp(−‖x_test − x_i‖²/2h²) (Nadaraya 1964; Watson 1964)."""
    context = in_float64(prompts)
    return _smooth(-_half_squared_distances(context) / bandwidth**2, context, prompts)


def dot_product_smoother(prompts: Prompts, omega: float, scale: float = 1.0) -> Predictions:
    """``scale`` × Nadaraya–Watson with weights ∝ exp(ω x_testᵀx_i): one softmax head on raw tokens.

    It is the Gaussian smoother of bandwidth h = ω^-½ only where ‖x_i‖ is constant: the two weights
    differ by the factor exp(‖x_i‖²/2h²).
    """
    context = in_float64(prompts)
    return scale * _smooth(omega * similarities(context), context, prompts)


def two_head_smoother(prompts: Prompts, omega: float, scale: float) -> Predictions:
    """The difference of the smoothers at ω and −ω: two softmax heads whose scales sum to zero.

    For small ω it is a step of gradient descent on the centred context, of size 2·scale·ω.
    """
    opposite = dot_product_smoother(prompts, -omega, scale)
    return dot_product_smoother(prompts, omega, scale) - opposite


def nearest_neighbours(prompts: Prompts, n_neighbours: int) -> Predictions:
    """The mean y of the ``n_neighbours`` points nearest to x_test (k-NN), or of all if fewer."""
    context = in_float64(prompts)
    k = context.x.shape[-2]
    distances = _half_squared_distances(context)
    nearest = distances.topk(min(n_neighbours, k), largest=False).indices
    y = context.y[..., None, :].expand_as(distances)
    return y.gather(-1, nearest).mean(dim=-1).to(prompts.x.dtype)


def similarities(context: Prompts) -> Float[Tensor, "seed prompt query k"]:
    """x_iᵀx_test for every test point and context token."""
    return context.x_test @ context.x.transpose(-1, -2)


def _half_squared_distances(context: Prompts) -> Float[Tensor, "seed prompt query k"]:
    """‖x_test − x_i‖²/2 without its ‖x_test‖²/2, which no weight and no order depends on."""
    return context.x.square().sum(-1)[..., None, :] / 2 - similarities(context)


def _smooth(
    log_weights: Float[Tensor, "seed prompt query k"], context: Prompts, prompts: Prompts
) -> Predictions:
    smoothed = log_weights.softmax(dim=-1) @ context.y[..., None]
    return smoothed[..., 0].to(prompts.x.dtype)
