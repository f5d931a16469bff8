"""What every algorithm does with a prompt: read its context in float64, return ŷ in its dtype.

An algorithm has the call of a trained network: Prompts in, predictions [seed prompt query] out.
S = XᵀX/k and G = XᵀY/k carry the 1/k of the networks' attention, so that a step size means the
same for an algorithm and for a layer.
"""

from jaxtyping import Float
from torch import Tensor

from mechanics.models.prompts import Prompts


def in_float64(prompts: Prompts) -> Prompts:
    """The same prompts in float64: a baseline must not lose to rounding.

    Raises ValueError if the prompts carry a mask: the algorithms read whole contexts.
    """
    if prompts.mask is not None:
        raise ValueError("the algorithms need prompts of one length, without a mask")
    tensors = (prompts.x, prompts.y, prompts.x_test, prompts.y_test)
    return Prompts(*(tensor.double() for tensor in tensors))


def second_moments(
    x: Float[Tensor, "seed prompt k d"], y: Float[Tensor, "seed prompt k"]
) -> tuple[Float[Tensor, "seed prompt d d"], Float[Tensor, "seed prompt d"]]:
    """S = XᵀX/k and G = XᵀY/k of every prompt."""
    transposed, k = x.transpose(-1, -2), x.shape[-2]
    return transposed @ x / k, (transposed @ y[..., None])[..., 0] / k


def linear_predictions(
    weights: Float[Tensor, "seed prompt d"], prompts: Prompts
) -> Float[Tensor, "seed prompt query"]:
    """ŷ = x_testᵀ ŵ, in the dtype of the prompts."""
    predictions = prompts.x_test.to(weights.dtype) @ weights[..., None]
    return predictions[..., 0].to(prompts.x.dtype)
