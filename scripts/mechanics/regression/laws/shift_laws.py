"""The risk that single-layer networks should have on shifted prompts, from their own weights.

Nothing is fitted: Γ̂, ω̂ and μ̂ are read from the merged weights, and the laws of
``mechanics.regression.laws`` say what they make of a shift. A network of more layers has no law.

One linear layer reads tokens z = [x; y] and computes ŷ = −x_testᵀ Σ_h A_h M u_h, with M = Σ zzᵀ/k,
A = W_QK without its last row (the y of a query is 0) and u the last column of W_V W_O. A gradient
step has only the x columns of A and the y entry of u, which make Γ̂; the other entries are small
after training, except where a coordinate of x was never seen and they are what they were at first.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models.shifted_prompts import Shift
from mechanics.models.transformer import Architecture
from mechanics.regression.effective_weights import (
    is_one_linear_layer,
    merged,
    preconditioner,
    step_size,
)
from mechanics.regression.laws.risk import preconditioned_risk
from mechanics.regression.laws.softmax_law import SoftmaxDraws, softmax_head_risk

Parameters = dict[str, Tensor]
STEP = "gradient step at Γ̂"


def shift_law(
    parameters: Parameters, network: Architecture, shift: Shift, arm: str, draws: SoftmaxDraws
) -> tuple[float, str]:
    """Risk by the law of this network, and the name of the law; (nan, "") where there is none.

    ``parameters`` are those of one replica (a seed dimension of 1). ``arm`` is ``random`` where
    x lies in a random subspace of the tokens' R^d_max for every prompt; otherwise it has the
    first ``shift.d`` coordinates. The full law of a layer is used where ``arm`` is ``axis``.
    ``draws`` have at least k points in R^d; only softmax needs them.
    """
    parameters = {name: tensor.double().cpu() for name, tensor in parameters.items()}
    if is_one_linear_layer(network):
        if arm == "axis":
            return linear_layer_risk(parameters, network, shift), "one layer, all merged weights"
        gamma = preconditioner(parameters, network)[0]
        if arm == "random":
            risk = mean_subspace_risk(gamma, shift.d, shift.k)
            return risk, f"{STEP}, mean over subspaces"
        relative_noise = shift.noise / shift.weight_scale**2
        covariance = padded_covariance(shift, len(gamma))
        return preconditioned_risk(gamma, covariance, shift.k, relative_noise), STEP
    is_one_softmax = network.attention == "softmax" and network.n_layers == 1
    if is_one_softmax and not network.embedded and arm == "trained" and shift.noise == 0:
        return softmax_layer_risk(parameters, network, shift, draws)
    return math.nan, ""


def padded_covariance(shift: Shift, d_max: int) -> Float[Tensor, "d_max d_max"]:
    """Λ of x with zeros up to ``d_max`` coordinates, in float64."""
    diagonal = torch.zeros(d_max, dtype=torch.float64)
    diagonal[: shift.d] = torch.tensor(shift.eigenvalues, dtype=torch.float64)
    return torch.diag(diagonal)


def mean_subspace_risk(gamma: Float[Tensor, "d_max d_max"], d: int, k: int) -> float:
    """Risk of ŷ = x_testᵀΓG, averaged over random d-dimensional subspaces of R^d_max.

    With P the projector, x ~ N(0, P) and w in the subspace, ``preconditioned_risk`` is
    1 − 2 tr(PΓ)/d + (k+d+1)/(kd) · tr(PΓPΓᵀ). E[P] = d/d_max · I, and E[P_ij P_kl] =
    a δ_ij δ_kl + b (δ_ik δ_jl + δ_il δ_jk), where tr P = tr P² = d gives a and b. Γ = cI leaves
    the risk of a step of size c in d dimensions.

    Raises ValueError unless 1 ≤ d ≤ d_max.
    """
    d_max = len(gamma)
    if not 1 <= d <= d_max:
        raise ValueError(f"no subspace of {d} dimensions in {d_max}")
    if d == d_max:
        a, b = 1.0, 0.0
    else:
        norm = d_max * (d_max - 1) * (d_max + 2)
        a, b = d * (d * (d_max + 1) - 2) / norm, d * (d_max - d) / norm
    trace = gamma.trace()
    quadratic = a * gamma.square().sum() + b * (torch.trace(gamma @ gamma) + trace**2)
    return (1 - 2 * trace / d_max + (k + d + 1) / (k * d) * quadratic).item()


def linear_layer_risk(parameters: Parameters, network: Architecture, shift: Shift) -> float:
    """Exact risk of one layer of linear attention with all its merged weights.

    With A = [A_x, a_y] and u = [u_x; u_y] (see above), S = XᵀX/k, G = XᵀY/k and q = ‖Y‖²/k,

        ŷ = x_testᵀ(Γ'G − e),  Γ' = −Σ_h (A_x u_y + a_y u_xᵀ),  e = Σ_h (A_x S u_x + a_y u_y q).

    Under (w, noise) → −(w, noise) the first part changes its sign and e does not: their errors
    are uncorrelated and the risk is ``preconditioned_risk`` of Γ' plus tr(Λ E[eeᵀ])/tr Λ. The
    moments of e are Gaussian, with τ = trΛ + σ² (units in which w ~ N(0, I)):
    E[S u vᵀ S] = Λuvᵀ Λ + (Λvuᵀ Λ + uᵀΛv Λ)/k,  E[q S u] = τΛu + 2Λ²u/k,
    E[q²] = (1 + 2/k)(τ² + 2 tr Λ²).
    """
    W_QK, u = (tensor[0] for tensor in merged(parameters, network))  # head token …
    d_max = u.shape[-1] - 1
    A_x, a_y = W_QK[:, :d_max, :d_max], W_QK[:, :d_max, d_max]
    u_x, u_y = u[..., :d_max], u[..., d_max]
    covariance, s, k = padded_covariance(shift, d_max), shift.weight_scale, shift.k
    noise = shift.noise / s**2
    # y = s·y' with w' ~ N(0, I): ŷ/s is the prediction of y', and its even part is
    even_x, even_y = u_x / s, s * torch.einsum("hi,h->i", a_y, u_y)

    gamma = -torch.einsum("hij,h->ij", A_x, u_y) - torch.einsum("hi,hj->ij", a_y, u_x)
    mapped = torch.einsum("hij,jl,hl->hi", A_x, covariance, even_x)  # A_x Λ u_x of every head
    within = torch.einsum("hi,ij,gj->hg", even_x, covariance, even_x)  # uᵀΛv
    across = torch.einsum("hij,jl,gl->hgi", A_x, covariance, even_x)  # A_x of h, u_x of g
    shaped = torch.einsum("hij,jl,gml->hgim", A_x, covariance, A_x)
    fluctuation = torch.einsum("hgi,ghj->ij", across, across)
    fluctuation = fluctuation + torch.einsum("hg,hgij->ij", within, shaped)
    total = mapped.sum(0)
    second = torch.outer(total, total) + fluctuation / k

    tau = covariance.trace() + noise
    curved = torch.einsum("hij,jl,hl->i", A_x, covariance @ covariance, even_x)
    crossed = torch.outer(tau * total + 2 / k * curved, even_y)
    q_squared = (1 + 2 / k) * (tau**2 + 2 * covariance.square().sum())
    second = second + crossed + crossed.T + q_squared * torch.outer(even_y, even_y)
    even = torch.trace(covariance @ second) / covariance.trace()
    return preconditioned_risk(gamma, covariance, k, noise) + even.item()


def softmax_layer_risk(
    parameters: Parameters, network: Architecture, shift: Shift, draws: SoftmaxDraws
) -> tuple[float, str]:
    """Risk of one layer of softmax heads on tokens, and the law's name: see ``softmax_law``.

    ω̂ = tr(x–x block of W_QK)/d and μ̂ = −(W_V W_O)[y, y] of every head; all other entries are
    neglected. The law of two heads has opposite ω and opposite μ of one size: the heads' mean
    sizes are used. A shift to x ~ N(0, Λ) becomes ω̂ trΛ/d and points whose covariance has trace
    d; the scale of w does not matter.

    (nan, "") for more heads, or for two heads that do not have opposite signs. Raises ValueError
    if the draws have fewer than k points.
    """
    W_QK, u = (tensor[0] for tensor in merged(parameters, network))  # head token …
    omega, scale = step_size(W_QK[:, : shift.d, : shift.d]), -u[:, -1]
    if len(omega) > 2 or (len(omega) == 2 and (omega.prod() >= 0 or scale.prod() >= 0)):
        return math.nan, ""
    eigenvalues = torch.tensor(shift.eigenvalues, dtype=torch.float64)
    size = eigenvalues.mean().item()
    spread = (eigenvalues / size).sqrt()
    shifted = SoftmaxDraws(draws.x[:, : shift.k] * spread, draws.x_test * spread)
    if len(omega) == 1:
        name, omega_hat, scale_hat = "softmax head at ω̂, μ̂", omega.item(), scale.item()
    else:
        name = "two opposite softmax heads at mean |ω̂|, |μ̂|"
        omega_hat, scale_hat = omega.abs().mean().item(), (scale * omega.sign()).mean().item()
    risk = softmax_head_risk(size * omega_hat, scale_hat, [shift.k], len(omega), shifted)
    return risk, name
