"""Softmax layers on the tokens beside the kernel smoothers that their weights describe.

The network's prediction is the sum over its heads, each a Nadaraya–Watson smoother with the kernel
exp(ω x_testᵀx_i) (``effective_weights.softmax_heads``). Measures of the whole network are repeated
for its heads: its risk beside the best smoother's, and how much of its predictions the estimators
explain that have the bandwidth measured in the weights (nothing is tuned to the predictions).
"""

import math

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models.prompts import Prompts, describe_risk
from mechanics.models.weights import Network
from mechanics.regression.algorithms import (
    dot_product_smoother,
    gaussian_smoother,
    two_head_smoother,
)
from mechanics.regression.effective_weights import softmax_heads
from mechanics.regression.held_out import HeldOut, predict, predictor
from mechanics.regression.laws.softmax_law import optimal_softmax, softmax_draws
from mechanics.runtime.seeds import generator

N_PROMPTS = 4096


@torch.no_grad()
def smoother(networks: list[Network], held_out: HeldOut) -> pd.DataFrame:
    """A row per k, seed and head. ``risk_optimum_same_prompts`` is the risk of the one or two heads
    that are best for the mixture of k; nan for more.
    """
    settings = networks[0].settings
    n_heads, d = settings["n_heads"], settings["d"]
    trained = range(settings["k_min"], settings["k_max"] + 1)
    heads = [softmax_heads(n.exact().weights, n.architecture, d) for n in networks]
    omega = scale = math.nan
    if n_heads <= 2:
        # replica 0 of this stream is the held-out prompts themselves
        draws = softmax_draws(d, trained[-1], N_PROMPTS, generator("evaluation", replica=1))
        omega, scale = optimal_softmax(trained, n_heads, draws)
    best, rows = dot_product_smoother if n_heads == 1 else two_head_smoother, []
    for k in held_out.lengths:
        prompts = held_out.prompts(k, N_PROMPTS)
        # between 4096 prompts and 4096 others a risk differs by 1 to 3 %: on the same ones
        optimum = describe_risk(best(prompts, omega, scale).double(), prompts)["risk"]
        levels = {"omega_optimum": omega, "scale_optimum": scale}
        levels |= {"risk_optimum_same_prompts": optimum, "omega_unit": d**-0.5}
        for network, (omegas, scales) in zip(networks, heads, strict=True):
            predictions = predict(predictor(network), prompts)
            found = describe_risk(predictions, prompts)
            whole = {"risk": found["risk"], "risk_se": found["risk_se"]}
            pairs = list(zip(omegas.tolist(), scales.tolist(), strict=True))
            whole |= levels | compare_smoothers(predictions, pairs, prompts)
            whole["n_prompts"] = prompts.x.shape[1]
            rows += [
                {"seed": network.seed, "head": head, "k": k, "omega": own[0], "scale": own[1]}
                | whole
                for head, own in enumerate(pairs)
            ]
    return pd.DataFrame(rows)


def compare_smoothers(
    network: Float[Tensor, "1 prompt query"], heads: list[tuple[float, float]], prompts: Prompts
) -> dict[str, float]:
    """R² of the network's predictions for both kernels, from ω̂ and μ̂ of every head.

    A Gaussian kernel needs ω̂ > 0 for a bandwidth h = ω̂^-½; it is nan if a head has none.
    """
    exact, by_gaussians = prompts.double(), torch.full_like(network, math.nan)
    if all(omega > 0 for omega, _ in heads):
        by_gaussians = sum(s * gaussian_smoother(exact, omega**-0.5) for omega, s in heads)
    exponential = sum(dot_product_smoother(exact, *head) for head in heads)
    return {
        f"r_squared_{name}": 1 - float((network - own).square().mean() / network.var(correction=0))
        for name, own in (("exponential", exponential), ("gaussian", by_gaussians))
    }
