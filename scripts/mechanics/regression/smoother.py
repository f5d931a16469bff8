"""Softmax layers on the tokens beside the kernel smoothers that their weights describe.

A head whose W_QK is ωI on x and zero elsewhere, and whose W_V W_O reads y alone, predicts
μ Σ softmax_i(ω x_testᵀx_i) y_i: a Nadaraya–Watson smoother with the kernel exp(ω x_testᵀx_i). The
network's prediction is the sum over its heads. Measures of the whole network are repeated for its
heads: its risk beside the laws, and how much of its predictions the Nadaraya–Watson estimators
explain that have the bandwidth measured in the weights (nothing is tuned to the predictions).
"""

import math

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models.prompts import Prompts, describe_risk
from mechanics.models.regression import Parameters
from mechanics.models.transformer import Architecture
from mechanics.models.weights import Network
from mechanics.regression.algorithms import (
    dot_product_smoother,
    gaussian_smoother,
    two_head_smoother,
)
from mechanics.regression.effective_weights import isotropy_distance, merged, step_size
from mechanics.regression.held_out import HeldOut, predict, tokens
from mechanics.regression.laws import risk
from mechanics.regression.laws.softmax_law import (
    SoftmaxDraws,
    optimal_softmax,
    softmax_draws,
    softmax_head_risk,
)
from mechanics.regression.references import mixture_risk
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
    references, rows = reference_levels(settings, lengths, draws), []
    best = dot_product_smoother if n_heads == 1 else two_head_smoother
    for k in lengths:
        prompts = held_out.prompts(k, N_PROMPTS)
        levels = references[k]
        optimum = best(prompts, levels["omega_optimum"], levels["scale_optimum"]).double()
        # between 4096 prompts and 4096 others a risk differs by 1 to 3 %: on the same ones
        levels["risk_optimum_same_prompts"] = describe_risk(optimum, prompts)["risk"]
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
                {"seed": network.seed, "head": head, "k": k, **own, "omega_unit": d**-0.5, **whole}
                for head, own in enumerate(own_heads)
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


def softmax_heads(
    parameters: Parameters, architecture: Architecture, d: int
) -> list[dict[str, float]]:
    """ω̂ and μ̂ of every head of one replica, and how far it is from the smoother they describe.

    They are read where heads act on prompts whose x has zeros beyond its first d coordinates.
    ``omega`` is ω̂ = trace/d of the x–x block of W_QK, ``isotropy`` ‖block − ω̂I‖_F/‖block‖_F.
    ``query_key_rest`` is the norm of the entries between the query's x and the context's y,
    relative to |ω̂|; the row of the query's y is multiplied by 0 and has no effect.
    ``scale`` is μ̂, minus the (y, y) entry of W_V W_O, because the network predicts minus the last
    coordinate. ``value_rest`` is the norm of the entries from x to y, relative to |μ̂|.

    Raises ValueError for a network that is not one layer of softmax attention on the tokens, or
    if its tokens have fewer than d coordinates of x.
    """
    if architecture.attention != "softmax" or architecture.n_layers != 1 or architecture.embedded:
        raise ValueError(
            "ω̂ and μ̂ are defined for one layer of softmax attention on the tokens only"
        )
    if architecture.d_mlp or architecture.layer_norm:
        raise ValueError("ω̂ and μ̂ are defined for attention alone, without MLP and LayerNorm")
    if not 1 <= d < architecture.d_model:
        raise ValueError(f"d = {d}: tokens of size {architecture.d_model} have fewer coordinates")
    W_QK, to_y = (tensor[0] for tensor in merged(parameters, architecture))  # head token …
    omega, scale = step_size(W_QK[:, :d, :d]), -to_y[:, -1]
    columns = {
        "omega": omega,
        "isotropy": isotropy_distance(W_QK[:, :d, :d]),
        "query_key_rest": W_QK[:, :d, -1].norm(dim=-1) / omega.abs(),
        "scale": scale,
        "value_rest": to_y[:, :d].norm(dim=-1) / scale.abs(),
    }
    table = pd.DataFrame({name: own.tolist() for name, own in columns.items()})
    return table.to_dict("records")


def head_law(heads: list[dict[str, float]], k: int, draws: SoftmaxDraws) -> float:
    """Risk at the measured ω̂ and μ̂, of one head or of two that are opposite; nan for others."""
    pairs = [[head[name] for head in heads] for name in ("omega", "scale")]
    if len(heads) == 1:
        return softmax_head_risk(heads[0]["omega"], heads[0]["scale"], [k], 1, draws)
    if len(heads) > 2 or any(abs(a + b) >= OPPOSITE * max(abs(a), abs(b)) for a, b in pairs):
        return math.nan
    return softmax_head_risk(*((a - b) / 2 for a, b in pairs), [k], 2, draws)


def compare_smoothers(
    network: Float[Tensor, "1 prompt query"], heads: list[dict[str, float]], prompts: Prompts
) -> dict[str, float]:
    """E|ŷ − ŷ_NW| and R² of the network's predictions for both kernels, and the NW's own risk.

    A Gaussian kernel needs ω̂ > 0 for a bandwidth h = ω̂^-½; it is nan if a head has none.
    """
    pairs, exact = [(head["omega"], head["scale"]) for head in heads], prompts.double()
    by_gaussians = torch.full_like(network, math.nan)
    if all(omega > 0 for omega, _ in pairs):
        by_gaussians = sum(s * gaussian_smoother(exact, omega**-0.5) for omega, s in pairs)
    row, exponential = {}, sum(dot_product_smoother(exact, *pair) for pair in pairs)
    for name, predictions in (("exponential", exponential), ("gaussian", by_gaussians)):
        remainder = network - predictions
        row[f"risk_{name}"] = describe_risk(predictions, prompts)["risk"]
        row[f"preds_diff_{name}"] = remainder.abs().mean().item()
        unexplained = remainder.square().mean() / network.var(correction=0)
        row[f"r_squared_{name}"] = 1 - unexplained.item()
    return row
