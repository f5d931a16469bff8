"""The risk of trained networks on prompts that they were not trained on, beside its laws.

Longer contexts, inputs and weights of another scale, anisotropic inputs, noise, and (for a network
with d_max) other dimensions: the risk of each seed, that which its own weights predict, and least
squares on the same prompts. Nothing is fitted: Γ̂, ω̂ and μ̂ are read from the merged weights, and
the laws say what they make of a shift. A network of more layers has no law.
"""

import math
from itertools import groupby

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models.prompts import describe_risk, embed
from mechanics.models.shifted_prompts import (
    INDEX,
    REPLICA,
    Shift,
    base_draws,
    shifted_prompts,
    shifted_subspaces,
    shifts,
)
from mechanics.models.transformer import Architecture, token_d
from mechanics.models.weights import Network
from mechanics.regression.algorithms import ordinary_least_squares
from mechanics.regression.effective_weights import (
    exact_risk,
    has_exact_risk,
    is_one_linear_layer,
    merged,
    preconditioner,
    softmax_heads,
)
from mechanics.regression.held_out import HeldOut, predict, predictor
from mechanics.regression.laws.risk import preconditioned_error
from mechanics.regression.laws.softmax_law import SoftmaxDraws, softmax_draws, softmax_head_risk
from mechanics.runtime.seeds import generator

N_PROMPTS, N_QUERIES = 8192, 8
N_PROMPTS_EMBEDDED = 1024  # the first of them: an embedded token is a hundred times as expensive


def generalisation(networks: list[Network], held_out: HeldOut) -> pd.DataFrame:
    """One row per shift, value, k and seed. Prompts are drawn anew, not held out."""
    settings = networks[0].settings
    n_prompts = N_PROMPTS if settings["d_model"] == "token" else N_PROMPTS_EMBEDDED
    all_shifts, d_max = shifts(settings), token_d(settings)
    longest = max(shift.k for shift in all_shifts)
    random = generator("evaluation", REPLICA, INDEX["softmax_law"])
    draws = softmax_draws(settings["d"], longest, N_PROMPTS, random)
    rows = []
    for name, group in groupby(all_shifts, key=lambda shift: shift.name):
        own = list(group)
        arm = settings["subspace"] if name == "dimension" else "trained"
        base = base_draws(own, N_PROMPTS, N_QUERIES)[:n_prompts]
        for shift in own:
            prompts = shifted_prompts(shift, base, N_QUERIES)
            exact = ordinary_least_squares(prompts).double()
            ols = describe_risk(exact, prompts, shift.power)["risk"]
            bases = shifted_subspaces(shift.d, d_max, n_prompts) if arm == "random" else None
            read = embed(prompts, d_max, bases).to(held_out.device)
            about = {"arm": arm, "shift": name, "value": shift.value, "k": shift.k, "d": shift.d}
            for network in networks:
                found = describe_risk(predict(predictor(network), read), read, shift.power)
                law = shift_law(network.weights, network.architecture, shift, arm, draws)
                beside = {"law": law, "ols": ols, "n_prompts": n_prompts}
                rows.append({"seed": network.seed, **about, **found, **beside})
    return pd.DataFrame(rows)


def shift_law(
    parameters: dict[str, Tensor],
    network: Architecture,
    shift: Shift,
    arm: str,
    draws: SoftmaxDraws,
) -> float:
    """Risk by the law of this network, of one replica; nan where there is none.

    ``arm`` is ``random`` where x lies in a random subspace of the tokens' R^d_max for every prompt;
    otherwise it has the first ``shift.d`` coordinates, and where ``arm`` is ``axis`` the law of all
    weights is used: those of a coordinate that was never seen are what they were at first, so that
    the layer is no gradient step. ``draws`` have at least k points in R^d; only softmax needs them.
    """
    parameters = {name: tensor.double().cpu() for name, tensor in parameters.items()}
    if arm == "axis":
        known = has_exact_risk(network)
        return exact_risk(parameters, network, shift.d, shift.k).item() if known else math.nan
    if is_one_linear_layer(network):
        gamma = preconditioner(*merged(parameters, network)).sum(dim=1)[0]
        gamma *= shift.k / (shift.k + network.zero_tokens)  # the keys that XᵀY is divided by
        if arm == "random":
            return mean_subspace_risk(gamma, shift.d, shift.k)
        relative_noise = shift.noise / shift.weight_scale**2
        eigenvalues = torch.zeros(len(gamma), dtype=torch.float64)
        eigenvalues[: shift.d] = torch.tensor(shift.eigenvalues, dtype=torch.float64)
        error = preconditioned_error(gamma, shift.k, relative_noise, torch.diag(eigenvalues))
        return error / eigenvalues.sum().item()
    is_one_softmax = network.attention == "softmax" and network.n_layers == 1
    if is_one_softmax and not network.embedded and arm == "trained" and shift.noise == 0:
        return softmax_layer_risk(*softmax_heads(parameters, network, shift.d), shift, draws)
    return math.nan


def mean_subspace_risk(gamma: Float[Tensor, "d_max d_max"], d: int, k: int) -> float:
    """Risk of ŷ = x_testᵀΓG, averaged over random d-dimensional subspaces of R^d_max, d ≤ d_max.

    With P the projector, x ~ N(0, P) and w in the subspace, ``preconditioned_error`` over d is
    1 − 2 tr(PΓ)/d + (k+d+1)/(kd) · tr(PΓPΓᵀ). E[P] = d/d_max · I, and E[P_ij P_kl] =
    a δ_ij δ_kl + b (δ_ik δ_jl + δ_il δ_jk), where tr P = tr P² = d gives a and b. Γ = cI leaves
    the risk of a step of size c in d dimensions.
    """
    d_max = len(gamma)
    if d == d_max:
        a, b = 1.0, 0.0
    else:
        norm = d_max * (d_max - 1) * (d_max + 2)
        a, b = d * (d * (d_max + 1) - 2) / norm, d * (d_max - d) / norm
    trace = gamma.trace()
    quadratic = a * gamma.square().sum() + b * (torch.trace(gamma @ gamma) + trace**2)
    return (1 - 2 * trace / d_max + (k + d + 1) / (k * d) * quadratic).item()


def softmax_layer_risk(
    omega: Float[Tensor, "head"], scale: Float[Tensor, "head"], shift: Shift, draws: SoftmaxDraws
) -> float:
    """Risk of one layer of softmax heads on the tokens (``softmax_law``), from ω̂ and μ̂ alone.

    The law of two heads has opposite ω and opposite μ of one size: the heads' mean sizes are used.
    A shift to x ~ N(0, Λ) becomes ω̂ trΛ/d and points whose covariance has trace d; the scale of w
    does not matter. nan for more heads, or for two heads that do not have opposite signs.
    """
    if len(omega) > 2 or (len(omega) == 2 and (omega.prod() >= 0 or scale.prod() >= 0)):
        return math.nan
    eigenvalues = torch.tensor(shift.eigenvalues, dtype=torch.float64)
    size = eigenvalues.mean().item()
    spread = (eigenvalues / size).sqrt()
    shifted = SoftmaxDraws(draws.x[:, : shift.k] * spread, draws.x_test * spread)
    # of one head ω and μ as they are: both may be negative
    omega, scale = (omega, scale) if len(omega) == 1 else (omega.abs(), scale * omega.sign())
    omega_hat, scale_hat = omega.mean().item(), scale.mean().item()
    return softmax_head_risk(size * omega_hat, scale_hat, [shift.k], len(omega), shifted)
