"""How far tokens are from being all the same, and what attention can leave of that: a bound.

Dong, Cordonnier & Loukas 2021, "Attention is not all you need: pure attention loses rank doubly
exponentially with depth". For tokens X [token, d] they take res(X) = X − 1xᵀ with the x that
minimises its norm; here x is the mean over tokens, which minimises the Frobenius norm but not the
composite norm (its residual is at most 2(1 − 1/k) times theirs: ``attention_bound``).
Tokens are the k context tokens: they attend to each other alone, with a k × k row-stochastic
attention matrix. Query tokens do not mix with them and are not counted.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models.attention import split_heads
from mechanics.models.regression import Parameters, attend
from mechanics.models.transformer import Architecture

PERTURBATION_LIMIT = 1.256  # e^x ≤ 1 + 2x for all x from 0 to this (Dong et al., appendix)
ROUNDING = 1e-13  # a ratio that float64, with its 2e-16, still gives to about 1 %


def residual(tokens: Float[Tensor, "*batch token d"]) -> Float[Tensor, "*batch token d"]:
    """res(X) = X − 1xᵀ with x the mean over tokens."""
    return tokens - tokens.mean(dim=-2, keepdim=True)


# ‖X‖_1 and ‖X‖_∞, the largest sum of absolute values in a column and in a row
column_norm, row_norm = (partial(torch.linalg.matrix_norm, ord=o) for o in (1, math.inf))


def composite_norm(matrix: Float[Tensor, "*batch n m"]) -> Float[Tensor, "*batch"]:
    """‖X‖_{1,∞} = √(‖X‖_1 ‖X‖_∞). It lacks the triangle inequality, as Dong et al. say."""
    return (column_norm(matrix) * row_norm(matrix)).sqrt()


NORMS: dict[str, Callable] = {
    "frobenius": torch.linalg.matrix_norm,
    "composite": composite_norm,
}


def residual_ratio(
    tokens: Float[Tensor, "*batch token d"], norm: str = "frobenius"
) -> Float[Tensor, "*batch"]:
    """‖res(X)‖ / ‖X‖: 0 for tokens that are all the same (all zero included).

    In the Frobenius norm it is at most 1, in the composite norm at most 2(1 − 1/k).
    """
    size, left = NORMS[norm](tokens), NORMS[norm](residual(tokens))
    return torch.where(size == 0, 0.0, left / size)


@dataclass
class AttentionBound:
    """The one-layer bound, the condition that it needs, and what it bounds."""

    spread: Float[Tensor, "seed prompt"]  # max |E_ij − E_ij'| over heads, rows i, columns j, j'
    bound: Float[Tensor, "seed prompt"]
    measured: Float[Tensor, "seed prompt"]  # ‖res(SA(X))‖_{1,∞}
    size: Float[Tensor, "seed prompt"]  # ‖SA(X)‖_{1,∞}

    def holds(self) -> Float[Tensor, "seed prompt"]:
        """1 where the condition of the theorem holds, 0 where not, nan where X is not finite."""
        inside = (self.spread <= PERTURBATION_LIMIT).to(self.spread.dtype)
        return inside.masked_fill(self.spread.isnan(), torch.nan)

    def bound_as_ratio(self) -> Float[Tensor, "seed prompt"]:
        """What the bound leaves of ‖res(SA(X))‖ / ‖SA(X)‖; nan where the condition fails."""
        return (self.bound / self.size).masked_fill(self.holds() != 1, torch.nan)

    def bound_over_measured(self) -> Float[Tensor, "seed prompt"]:
        """nan where the condition fails, and where what was measured is no more than rounding."""
        rounded = self.measured <= ROUNDING * self.size
        return (self.bound / self.measured).masked_fill(rounded | (self.holds() != 1), torch.nan)


def attention_bound(
    tokens: Float[Tensor, "seed prompt k d_model"],
    parameters: Parameters,
    layer: int,
    architecture: Architecture,
) -> AttentionBound:
    """Dong et al.'s bound on what one attention layer leaves of the residual of its input X.

    ``tokens`` X are what attention reads (after LayerNorm, where there is one), SA(X) = Σ_h P_h X
    W_h what it returns, W_h = W_V W_O and W_QK = W_Q W_Kᵀ of head h. Cubic in the residual:

        ‖res(SA(X))‖_{1,∞} ≤ 2(1 − 1/k) · 4/√d_qk · ‖res(X)‖³_{1,∞}
                             · √(Σ_h γ_h² ‖W_QK‖_1 ‖W_h‖_1) √(Σ_h ‖W_QK‖_1 ‖W_h‖_∞),

    for one head 4γβ/√d_qk ‖res(X)‖³ with β = ‖W_QK‖_1 ‖W_h‖_{1,∞}, as in their Theorem 2.2 at
    L = 1; for H heads of the same γ and norms, H times as much (Theorem 2.3). Sums over heads stand
    for their H · max because the composite norm does not add up. 2(1 − 1/k) is the price of the
    mean in res. Proof, with R = res(X), X = 1xᵀ + R, c = 1/√d_qk, one head at first:

    1. Softmax ignores what is constant in a row, so P = softmax(1rᵀ + E), r = c R W_QKᵀ x,
       E = c R W_QK Rᵀ. Let q = softmax(r), D_i = max_j E_ij − min_j E_ij. Then P_ij / q_j =
       e^{E_ij} / Σ_t q_t e^{E_it} lies between e^{−D_i} ≥ 1 − D_i and e^{D_i} ≤ 1 + 2 D_i if
       D_i ≤ 1.256: the condition. So |P_ij − q_j| ≤ 2 D_i q_j.
    2. PX = 1xᵀ + PR, and so |PX − 1yᵀ| = |(P − 1qᵀ) R| ≤ 2 D 1qᵀ |R| for y = x + Rᵀq. The rows
       on the right sum to at most 2 max_i D_i ‖R‖_∞, its columns to 2 (Σ_i D_i)(max_j q_j) ‖R‖_1
       = 2 γ² max_i D_i ‖R‖_1, where γ² = (max_j q_j) Σ_i D_i / max_i D_i ≤ k. (Dong et al.'s γ
       comes from Σ_i D_i too; they bound max_j q_j by 1.)
    3. max_i D_i ≤ 2 max |E_ij| ≤ 2 ‖E‖_1 ≤ 2c ‖R‖_1 ‖W_QK‖_1 ‖Rᵀ‖_1 = 2c ‖W_QK‖_1 ‖R‖²_{1,∞}.
    4. Multiplying by W_h from the right multiplies each of the two norms by at most W_h's, and
       each of them is additive over heads; their product's root is the composite norm.
    5. res(Y) = (I − 11ᵀ/k)(Y − 1yᵀ) for any y; both norms of that projector are 2(1 − 1/k).

    Raises ValueError for linear attention, whose rows do not sum to 1.
    """
    if architecture.attention != "softmax":
        raise ValueError(
            f"the rank-collapse theorem is about row-stochastic attention: expected softmax"
            f" attention, not {architecture.attention}"
        )
    k = tokens.shape[-2]
    W_Q, W_K, W_V, W_O = (parameters[f"blocks.{layer}.attn.W_{letter}"] for letter in "QKVO")
    left = residual(tokens)
    query = torch.cat([left, tokens.mean(dim=-2, keepdim=True)], dim=-2)
    query = split_heads(query, W_Q).transpose(-2, -3)  # seed prompt head position d_head
    key = split_heads(left, W_K).transpose(-2, -3)
    scores = query @ key.transpose(-1, -2) * architecture.score_scale
    E, r = scores[..., :k, :], scores[..., k, :]
    D = E.amax(dim=-1) - E.amin(dim=-1)  # seed prompt head token
    largest = D.amax(dim=-1)
    shape = D.sum(dim=-1) / torch.where(largest == 0, 1.0, largest)
    gamma_squared = shape * r.softmax(dim=-1).amax(dim=-1)  # seed prompt head
    qk = column_norm(W_Q @ W_K.transpose(-1, -2))[:, None]  # seed 1 head
    W_h = W_V @ W_O
    columns = (gamma_squared * qk * column_norm(W_h)[:, None]).sum(dim=-1)
    rows = (qk * row_norm(W_h)[:, None]).sum(dim=-1)
    bound = 4 * architecture.score_scale * (columns * rows).sqrt() * composite_norm(left) ** 3
    output = attend(tokens, tokens, parameters, layer, architecture)
    measured, size = composite_norm(residual(output)), composite_norm(output)
    return AttentionBound(largest.amax(dim=-1), 2 * (1 - 1 / k) * bound, measured, size)
