"""Softmax layers on the tokens beside the kernel smoothers that their weights describe.

Measures of the whole network are repeated for its heads: its risk beside the laws, and how much of
its predictions the Nadaraya–Watson estimators explain that have the bandwidth measured in the
weights (nothing is tuned to the predictions).
"""

import math
from dataclasses import asdict
from functools import partial

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models.prompts import Prompts, describe_risk
from mechanics.models.weights import Network
from mechanics.regression.algorithms.kernel_smoother import (
    dot_product_smoother,
    gaussian_smoother,
    two_head_smoother,
)
from mechanics.regression.held_out import HeldOut, predict, tokens
from mechanics.regression.laws import risk
from mechanics.regression.laws.softmax_law import (
    SoftmaxDraws,
    optimal_softmax,
    softmax_draws,
    softmax_head_risk,
)
from mechanics.regression.references import mixture_risk
from mechanics.regression.softmax_head import SoftmaxHeads, softmax_heads
from mechanics.runtime.seeds import generator

N_PROMPTS = 4096
OPPOSITE = 0.1  # two heads are called opposite if |ω̂| and |μ̂| differ by less than this share


@torch.no_grad()
def smoother(networks: list[Network], held_out: HeldOut) -> pd.DataFrame:
    """A row per k, seed and head.

    Raises ValueError unless the networks are one layer of softmax on the tokens.
    """
    settings = networks[0].settings
    n_heads, d, lengths = settings["n_heads"], settings["d"], held_out.lengths
    heads = [softmax_heads(n.exact().weights, n.architecture, d) for n in networks]
    k_max = max(settings["k_max"], *lengths)
    # replica 0 of this stream is the held-out prompts themselves
    draws = softmax_draws(d, k_max, N_PROMPTS, generator("evaluation", replica=1))
    references = reference_levels(settings, lengths, draws)
    rows = []
    for k in lengths:
        prompts = held_out.prompts(k, N_PROMPTS)
        levels = references[k] | optimum_on(prompts, references[k], n_heads)
        for network, own_heads in zip(networks, heads, strict=True):
            predictions = predict(network, tokens(prompts, network))
            found = describe_risk(predictions, prompts)
            whole = {
                "risk": found["risk"],
                "risk_se": found["risk_se"],
                "n_prompts": prompts.x.shape[1],
                "risk_law": head_law(own_heads, k, draws),
                **levels,
                **compare_smoothers(predictions, own_heads, prompts),
            }
            rows += [
                {"seed": network.seed, "head": head, "k": k, **own, **whole}
                for head, own in enumerate(describe_heads(own_heads, d))
            ]
    return pd.DataFrame(rows)


def reference_levels(
    settings: dict, lengths: list[int], draws: SoftmaxDraws
) -> dict[int, dict[str, float]]:
    """Per k, what is best for the mixture of k: one or two heads, debiased step, plain step.

    nan for more than two heads; the debiased step is the law of two heads of small ω.
    """
    d, k_min, k_max = (settings[key] for key in ("d", "k_min", "k_max"))
    n_heads, trained = settings["n_heads"], range(k_min, k_max + 1)
    omega = scale = debiased = math.nan
    if n_heads <= 2:
        omega, scale = optimal_softmax(trained, n_heads, draws)
    if n_heads == 2:
        debiased = risk.optimal_debiased_step_size(d, trained)
    return {
        k: {
            "omega_optimum": omega,
            "scale_optimum": scale,
            "risk_optimum": softmax_head_risk(omega, scale, [k], min(n_heads, 2), draws),
            "risk_debiased": risk.debiased_risk(debiased, d, k),
            "risk_one_step": mixture_risk(d, k_min, k_max, k),
        }
        for k in lengths
    }


def optimum_on(prompts: Prompts, levels: dict[str, float], n_heads: int) -> dict[str, float]:
    """Risk of the optimum (ω*, μ*) on the very prompts that judge the network.

    Between 4096 prompts and 4096 others a risk differs by 1 to 3 %: the network is told from its
    optimum on the same ones.
    """
    parameters = levels["omega_optimum"], levels["scale_optimum"]
    best = dot_product_smoother if n_heads == 1 else two_head_smoother
    predictions = best(prompts, *parameters).double()
    return {"risk_optimum_same_prompts": describe_risk(predictions, prompts)["risk"]}


def describe_heads(heads: SoftmaxHeads, d: int) -> list[dict[str, float]]:
    """The columns that are a single head's own."""
    columns = {name: values[0].tolist() for name, values in asdict(heads).items()}
    own = [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
    return [{**row, "omega_unit": d**-0.5} for row in own]


def head_law(heads: SoftmaxHeads, k: int, draws: SoftmaxDraws) -> float:
    """Risk at the measured ω̂ and μ̂, of one head or of two that are opposite; nan for others."""
    omega, scale = heads.omega[0].cpu(), heads.scale[0].cpu()
    if len(omega) == 2 and are_opposite(omega) and are_opposite(scale):
        halves = [((first - second) / 2).item() for first, second in (omega, scale)]
        return softmax_head_risk(*halves, [k], 2, draws)
    if len(omega) == 1:
        return softmax_head_risk(omega.item(), scale.item(), [k], 1, draws)
    return math.nan


def are_opposite(pair: Float[Tensor, "2"]) -> bool:
    """Whether two numbers have opposite signs and about the same size."""
    return bool(pair.sum().abs() < OPPOSITE * pair.abs().max())


def compare_smoothers(
    network: Float[Tensor, "1 prompt query"], heads: SoftmaxHeads, prompts: Prompts
) -> dict[str, float]:
    """E|ŷ − ŷ_NW| and R² of the network's predictions for both kernels, and the NW's own risk.

    A Gaussian kernel needs ω̂ > 0 for a bandwidth h = ω̂^-½; it is nan if a head has none.
    """
    pairs = list(zip(heads.omega[0].tolist(), heads.scale[0].tolist(), strict=True))
    exact = prompts.double()
    smoothers = {"exponential": [partial(dot_product_smoother, omega=o, scale=s) for o, s in pairs]}
    if all(omega > 0 for omega, _ in pairs):
        smoothers["gaussian"] = [partial(scaled_gaussian, omega=o, scale=s) for o, s in pairs]
    row = {}
    for name in ("exponential", "gaussian"):
        predictions = torch.full_like(network, math.nan)
        if name in smoothers:
            predictions = sum(one(exact) for one in smoothers[name])
        remainder = network - predictions
        row[f"risk_{name}"] = describe_risk(predictions, prompts)["risk"]
        row[f"preds_diff_{name}"] = remainder.abs().mean().item()
        unexplained = remainder.square().mean() / network.var(correction=0)
        row[f"r_squared_{name}"] = 1 - unexplained.item()
    return row


def scaled_gaussian(
    prompts: Prompts, omega: float, scale: float
) -> Float[Tensor, "1 prompt query"]:
    return scale * gaussian_smoother(prompts, omega**-0.5)
