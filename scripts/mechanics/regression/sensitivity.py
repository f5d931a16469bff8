"""How alike two predictors are: in what they predict, and in how that depends on the test point.

The sensitivity g = ∂ŷ/∂x_test is a predictor's effective weights: exactly linear predictions
ŷ = ŵᵀx_test have g = ŵ whatever the test point, others have a g at each. The measures are those of
von Oswald et al. 2023 (section 3): preds diff, model diff and model cos.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models.prompts import Prompts

Predictor = Callable[[Prompts], Float[Tensor, "seed prompt query"]]


@dataclass(frozen=True)
class Answers:
    """What a predictor says about a set of prompts, and its sensitivity, in float64."""

    predictions: Float[Tensor, "prompt query"]
    sensitivities: Float[Tensor, "prompt query d"]


def answers(predictor: Predictor, prompts: Prompts, chunk: int = 256) -> Answers:
    """Predictions ŷ and g = ∂ŷ/∂x_test of one predictor for prompts with a seed dimension of 1.

    Test points do not see each other, so that one gradient of the sum over them gives every g.
    """
    parts = []
    for part in prompts.chunks(chunk):
        x_test = part.x_test.detach().requires_grad_()
        predictions = predictor(replace(part, x_test=x_test))
        if predictions.requires_grad:
            sensitivities = torch.autograd.grad(predictions.sum(), x_test)[0]
        else:  # piecewise constant in x_test, as nearest neighbours are
            sensitivities = torch.zeros_like(x_test)
        parts.append((predictions.detach()[0].double(), sensitivities[0].double()))
    return Answers(*(torch.cat(of_parts) for of_parts in zip(*parts, strict=True)))


def similarity(network: Answers, other: Answers) -> dict[str, float]:
    """preds_diff, model_diff, model_cos and r_squared of a network beside another predictor.

    preds_diff is E|ŷ − ŷ'|, model_diff E‖g − g'‖, model_cos E cos(g, g'), all over prompts and test
    points; r_squared is the share of the network's ŷ² that ŷ' accounts for, 1 − E(ŷ − ŷ')²/Eŷ²,
    without a fitted scale. A cosine with g = 0 is not defined: nan.
    """
    difference = network.predictions - other.predictions
    return {
        "preds_diff": difference.abs().mean().item(),
        "model_diff": (network.sensitivities - other.sensitivities).norm(dim=-1).mean().item(),
        "model_cos": mean_cosine(network.sensitivities, other.sensitivities),
        "r_squared": (1 - difference.square().mean() / network.predictions.square().mean()).item(),
    }


def mirrored(predictor: Predictor) -> Predictor:
    """−predictor(−x_test): as good as the predictor itself, because x and −x are as probable.

    A softmax head may learn either: ω and μ, or −ω and −μ.
    """
    return lambda prompts: -predictor(replace(prompts, x_test=-prompts.x_test))


def similarities(network: Answers, others: dict[str, list[Answers]]) -> dict[str, dict[str, float]]:
    """``similarity`` to every other predictor, by name.

    Of a predictor that comes with its mirror image the nearer one counts, by preds_diff: which of
    the two a training ends with is chance.
    """
    return {
        name: min((similarity(network, own) for own in images), key=lambda s: s["preds_diff"])
        for name, images in others.items()
    }


def mean_cosine(
    first: Float[Tensor, "prompt query d"], second: Float[Tensor, "prompt #query d"]
) -> float:
    """E cos(g, g') over prompts and test points; nan if any of them is zero."""
    norms = first.norm(dim=-1) * second.norm(dim=-1)
    return ((first * second).sum(-1) / norms).mean().item()


def correlation(
    first: Float[Tensor, "prompt query d"], second: Float[Tensor, "prompt #query d"]
) -> float:
    """Pearson's correlation of effective weights, over prompts, test points and coordinates.

    At one context length it does not depend on a step size: W_GD = ηXᵀY may have any η > 0. It is
    nan where one of them is constant.
    """
    first, second = (t - t.mean() for t in torch.broadcast_tensors(first, second))
    return ((first * second).sum() / (first.norm() * second.norm())).item()


def fitted_step_size(
    sensitivities: Float[Tensor, "prompt query d"], gradient: Float[Tensor, "prompt d"]
) -> float:
    """The η with which ηG is nearest to g in the mean square, G = XᵀY/k."""
    products = (sensitivities * gradient[:, None]).sum()
    return (products / (gradient.square().sum() * sensitivities.shape[1])).item()
