"""The trigonometric identities an addition network is said to use, fitted and judged.

Nanda et al. 2023 (arXiv 2301.05217), sec. 4: logits ≈ Σ_k α_k cos ω_k(a + b − c), read out of
cos ω_k(a + b) and sin ω_k(a + b) in the neurons. Zhong et al. 2023 (arXiv 2306.17844): the clock,
where α_k is a constant, and the pizza, where it is proportional to |cos ω_k(a − b)/2|.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.addition.activations import Parameters, addition_activations
from mechanics.addition.embedding_ablation import in_embedding
from mechanics.addition.fourier import (
    NO_VARIANCE,
    Logits,
    fitted_amplitudes,
    fourier_basis,
    sum_spectrum,
)
from mechanics.addition.pairs import all_pairs, targets
from mechanics.models.transformer import Architecture

ROUNDING = 1e-12  # standard deviation over size, below which logits do not vary at all


def logit_identities(
    logits: Logits,
    keys: list[int],
    hook_post: Float[Tensor, "pair d_mlp"] | None = None,
    W_L: Float[Tensor, "d_mlp token"] | None = None,
) -> list[dict[str, float | int]]:
    """Each key frequency's part in logits ≈ Σ_k α_k cos ω_k(a + b − c); their fve add up.

    ``fve``: share of the variance of the logits (centred over c). If W_L (``neuron_logits``) is
    given, Σ_k u_k cosᵀ ω_k c + v_k sinᵀ ω_k c by its Fourier transform over c: ``cos_r_squared``
    and ``sin_r_squared``, R² of hook_post·u_k against cos ω_k(a + b), of hook_post·v_k against sin.
    """
    p = logits.shape[1]
    basis = fourier_basis(p)
    alphas, spectrum = fitted_amplitudes(logits).tolist(), sum_spectrum(logits).tolist()
    sums = targets(all_pairs(p), p)
    rows = []
    for k in keys:
        row = {"frequency": k, "alpha": alphas[k - 1], "fve": spectrum[k - 1]}
        if W_L is not None:
            for name, wave in zip(("cos", "sin"), basis[2 * k - 1 : 2 * k + 1], strict=True):
                projected = hook_post.double().cpu() @ (W_L.double().cpu() @ wave)
                r = torch.corrcoef(torch.stack([projected, wave[sums]]))[0, 1]
                row[f"{name}_r_squared"] = float(r.square())
        rows.append(row)
    return rows


def distance_irrelevance(logits: Logits) -> float:
    """How little the correct logit depends on the distance a − b (Zhong et al. 2023).

    Its standard deviation over a + b at a fixed a − b, averaged over a − b, divided by that over
    all pairs; both divide by n, as in the authors' code (github.com/fjzzq2002/pizza). 0 if the
    distance decides all (an ideal pizza), near 1 if it decides nothing (a clock). nan if the
    correct logit is the same for all pairs, as in a perfect clock.
    """
    p = logits.shape[1]
    pairs = all_pairs(p)
    correct = targets(pairs, p)
    values = logits.double().cpu().gather(1, correct[:, None])[:, 0]
    table = torch.empty(p, p, dtype=torch.float64)  # b, a − b
    table[pairs[:, 1], (pairs[:, 0] - pairs[:, 1]) % p] = values
    overall = table.std(correction=0)
    if not overall > ROUNDING * values.abs().max():
        return torch.nan
    return float(table.std(dim=0, correction=0).mean() / overall)


def clock_or_pizza(
    parameters: Parameters, architecture: Architecture, keys: list[int]
) -> list[dict[str, float | int]]:
    """Share of the variance of each circle's own logits that a clock and a pizza explain
    (Zhong et al. 2023). For networks without LayerNorm, whose scale depends on what is left out.

    A circle is isolated by leaving in W_E, of what varies over the numbers, frequency k alone;
    their mean stays, for the neurons' thresholds count on it. (The authors keep two principal
    components: the same plane if no two circles mix.) The whole network's logits do not tell the
    two apart: many pizzas together fit cos ω_k(a + b − c), too.
    """
    rows, W_E = [], parameters["embed.W_E"][0].double()
    for k in keys:
        isolated = {"embed.W_E": in_embedding(W_E, [k], keep=True)[None]}
        logits = addition_activations(parameters | isolated, architecture).logits
        q_clock, q_pizza = clock_and_pizza_fve(logits, k)
        rows.append({"frequency": k, "q_clock": q_clock, "q_pizza": q_pizza})
    return rows


def clock_and_pizza_fve(logits: Logits, k: int) -> tuple[float, float]:
    """Share of the variance of the logits over the pairs along Q_clock, and along Q_pizza.

    Q_clock = cos ω_k(a + b − c), Q_pizza = |cos ω_k(a − b)/2| cos ω_k(a + b − c), each with the
    best factor. A clock has (1, .81), a pizza (.81, 1): 8/π² = .81 is their squared cosine. Logits
    are centred over c and, for every c, over the pairs: neurons that an isolated circle leaves
    constant would pass for unexplained variance. nan if nothing varies.
    """
    p = logits.shape[1]
    pairs = all_pairs(p)
    centred = (logits - logits.mean(dim=1, keepdim=True)).double().cpu()
    centred = centred - centred.mean(dim=0)
    omega = 2 * torch.pi * k / p
    angle = omega * (targets(pairs, p)[:, None] - torch.arange(p)).double()
    clock = angle.cos()
    length = (omega / 2 * (pairs[:, 0] - pairs[:, 1]).double()).cos().abs()
    total = centred.square().sum()
    if not total > NO_VARIANCE * logits.double().square().sum().cpu():
        return torch.nan, torch.nan
    by_pair = (centred * clock).sum(dim=1)
    size = clock[0].square().sum()  # the same for every pair, p/2, or p for the frequency p/2
    q_clock = by_pair.sum().square() / (p**2 * size) / total
    q_pizza = (by_pair @ length).square() / (size * length.square().sum()) / total
    return float(q_clock), float(q_pizza)
