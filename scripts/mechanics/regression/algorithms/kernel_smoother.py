"""Predictions by a weighted mean of the context's y: kernel smoothers and nearest neighbours.

Softmax attention on raw tokens is such a smoother with the kernel exp(ω xᵀx_i). It is the
Gaussian kernel of bandwidth h = ω^-½ only where ‖x_i‖ is constant: the two weights differ by the
factor exp(‖x_i‖²/2h²).
"""

from jaxtyping import Float
from torch import Tensor

from mechanics.models.prompts import Prompts
from mechanics.regression.algorithms.context import in_float64


def gaussian_smoother(prompts: Prompts, bandwidth: float) -> Float[Tensor, "seed prompt query"]:
    """Nadaraya–Watson with weights ∝ exp(−‖x_test − x_i‖²/2h²) (Nadaraya 1964; Watson 1964).

    Raises ValueError for a bandwidth h that is not positive, or if the prompts carry a mask.
    """
    if bandwidth <= 0:
        raise ValueError(f"the bandwidth must be positive, not {bandwidth}")
    context = in_float64(prompts)
    return _smooth(-_half_squared_distances(context) / bandwidth**2, context, prompts)


def dot_product_smoother(
    prompts: Prompts, omega: float, scale: float = 1.0
) -> Float[Tensor, "seed prompt query"]:
    """``scale`` × Nadaraya–Watson with weights ∝ exp(ω x_testᵀx_i): one softmax head.

    Raises ValueError if the prompts carry a mask.
    """
    context = in_float64(prompts)
    return scale * _smooth(omega * _dot_products(context), context, prompts)


def two_head_smoother(
    prompts: Prompts, omega: float, scale: float
) -> Float[Tensor, "seed prompt query"]:
    """The difference of the smoothers at ω and −ω: two softmax heads whose scales sum to zero.

    For small ω it is a step of gradient descent on the centred context, of size 2·scale·ω.

    Raises ValueError if the prompts carry a mask.
    """
    return dot_product_smoother(prompts, omega, scale) - dot_product_smoother(
        prompts, -omega, scale
    )


def nearest_neighbours(prompts: Prompts, n_neighbours: int) -> Float[Tensor, "seed prompt query"]:
    """The mean y of the ``n_neighbours`` context points nearest to x_test (k-NN).

    Raises ValueError unless 1 ≤ ``n_neighbours`` ≤ k, or if the prompts carry a mask.
    """
    context = in_float64(prompts)
    k = context.x.shape[-2]
    if not 1 <= n_neighbours <= k:
        raise ValueError(f"{n_neighbours} neighbours were asked of a context of {k} points")
    nearest = _half_squared_distances(context).topk(n_neighbours, largest=False).indices
    y = context.y[..., None, :].expand(*nearest.shape[:-1], k)
    return y.gather(-1, nearest).mean(dim=-1).to(prompts.x.dtype)


def _dot_products(context: Prompts) -> Float[Tensor, "seed prompt query k"]:
    return context.x_test @ context.x.transpose(-1, -2)


def _half_squared_distances(context: Prompts) -> Float[Tensor, "seed prompt query k"]:
    """‖x_test − x_i‖²/2 without its ‖x_test‖²/2, which no weight and no order depends on."""
    return context.x.square().sum(-1)[..., None, :] / 2 - _dot_products(context)


def _smooth(
    log_weights: Float[Tensor, "seed prompt query k"], context: Prompts, prompts: Prompts
) -> Float[Tensor, "seed prompt query"]:
    smoothed = log_weights.softmax(dim=-1) @ context.y[..., None]
    return smoothed[..., 0].to(prompts.x.dtype)
