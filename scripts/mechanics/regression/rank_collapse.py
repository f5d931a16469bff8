"""Rank collapse of deep softmax networks, trained and untrained, beside the theorem about it.

Dong, Cordonnier & Loukas 2021, "Attention is not all you need: pure attention loses rank doubly
exponentially with depth". For the network and its ablations (no skip connections, no MLPs,
attention only): how far its context tokens are from being all the same after each layer, what the
ablation costs in risk, and for attention alone where their bound applies to a layer.

For tokens X [token, d] they take res(X) = X − 1xᵀ with the x that minimises its norm; here x is the
mean over tokens, which minimises the Frobenius norm but not the composite norm (its residual is at
most 2(1 − 1/k) times theirs: ``attention_bound``). Tokens are the k context tokens: they attend to
each other alone, with a k × k row-stochastic attention matrix. Query tokens do not mix with them
and are not counted. Prompts are the first held-out ones of the greatest stored length; arithmetic
is float64.
"""

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models import regression
from mechanics.models.attention import split_heads
from mechanics.models.prompts import Prompts, squared_errors
from mechanics.models.transformer import Architecture, normalise
from mechanics.models.weights import Network
from mechanics.regression.held_out import HeldOut, tokens, untrained

N_PROMPTS = 1024
CHUNK = 128  # prompts at a time: bounds the memory of the streams
PERTURBATION_LIMIT = 1.256  # e^x ≤ 1 + 2x for all x from 0 to this (Dong et al., appendix)
ROUNDING = 1e-13  # a ratio that float64, with its 2e-16, still gives to about 1 %
# the arguments of ``residual_streams`` for the network and its ablations (Dong et al., section 4)
VARIANTS = {
    "whole": {"skips": True, "mlps": True},
    "no_skip": {"skips": False, "mlps": True},
    "no_mlp": {"skips": True, "mlps": False},
    "attention_only": {"skips": False, "mlps": False},
}


@torch.no_grad()
def rank_collapse(networks: list[Network], held_out: HeldOut) -> pd.DataFrame:
    """A row per seed, trained or not, variant, layer (0: the embedding) and norm.

    ``condition_share`` and ``bound`` are of the attention that wrote the layer: nan for layer 0,
    for the Frobenius norm and for other variants than attention alone. The bound is a median over
    the prompts that meet the condition and where what goes in is more than rounding.
    """
    k = max(held_out.lengths)
    # in float32 the residual of collapsed tokens would drown in rounding
    prompts = tokens(held_out.prompts(k, N_PROMPTS), networks[0]).double()
    rows = []
    for network in networks:
        for trained in (False, True):
            own = (network if trained else untrained(network)).exact()
            for variant in VARIANTS:
                about = {"seed": network.seed, "trained": trained, "k": k, "variant": variant}
                chunks = [measure_chunk(own, chunk, variant) for chunk in prompts.chunks(CHUNK)]
                found = {name: torch.cat([part[name] for part in chunks]) for name in chunks[0]}
                about["risk"] = float(found.pop("error").mean()) / held_out.d
                rows += [about | row for row in summary(**found)]
    return pd.DataFrame(rows)


def summary(
    ratio: Float[Tensor, "prompt norm layer"],
    condition: Float[Tensor, "prompt layer"],
    bound: Float[Tensor, "prompt layer"],
) -> list[dict]:
    """Means and medians over prompts, a row per norm and layer."""
    rows = []
    for index, norm in enumerate(NORMS):
        for layer, own in enumerate(ratio[:, index].unbind(-1)):
            row = {"layer": layer, "norm": norm, "n_prompts": len(ratio)}
            row |= {"ratio": float(own.mean()), "ratio_median": median(own)}
            row |= {"condition_share": math.nan, "bound": math.nan}
            if norm == "composite":
                row["condition_share"] = float(condition[:, layer].mean())
                row["bound"] = median(bound[:, layer])
            rows.append(row)
    return rows


def median(values: Float[Tensor, "prompt"]) -> float:
    """Of those that are not nan; nan if all are."""
    return float(pd.Series(values.cpu().numpy()).median())


def measure_chunk(network: Network, prompts: Prompts, variant: str) -> dict[str, Tensor]:
    """Some prompts, through the network or an ablation of it: what ``summary`` takes, and the error
    of every prompt. ``condition`` is 1 where it holds, 0 where not, nan where there is no theorem.
    """
    weights, architecture, k = network.weights, network.architecture, prompts.x.shape[-2]
    streams = residual_streams(weights, prompts, architecture, **VARIANTS[variant])
    context = [stream[..., :k, :] for stream in streams]
    ratio = [torch.stack([residual_ratio(c, n)[0] for n in NORMS], -1) for c in context]
    nothing = torch.full_like(ratio[0][:, 0], math.nan)
    condition, bound = [nothing] * len(streams), [nothing] * len(streams)
    if variant == "attention_only":
        for layer, (read, written) in enumerate(pairwise(context)):
            normed = normalise(read, weights, f"blocks.{layer}.ln1", architecture)
            found, holds = attention_bound(normed, weights, layer, architecture)
            rounded = residual_ratio(normed, "composite") <= ROUNDING
            left = (found / composite_norm(written)).masked_fill(rounded | (holds != 1), math.nan)
            condition[layer + 1], bound[layer + 1] = holds[0], left[0]
    predictions = regression.read_out(streams[-1][..., k:, :], weights, architecture)
    return {
        "error": squared_errors(predictions, prompts)[0],
        "ratio": torch.stack(ratio, -1),
        "condition": torch.stack(condition, -1),
        "bound": torch.stack(bound, -1),
    }


def residual_streams(
    parameters: regression.Parameters,
    prompts: Prompts,
    architecture: Architecture,
    skips: bool = True,
    mlps: bool = True,
) -> list[Float[Tensor, "seed prompt position d_model"]]:
    """The stream after the embedding (entry 0) and after each layer (entries 1 … n_layers).

    ``prompts`` are as the network reads them (``tokens``), positions the k context tokens, then the
    query tokens; ``skips`` and ``mlps`` can be left out (``transformer.run_blocks``).
    """
    cache: dict[str, Tensor] = {}
    regression.run(parameters, prompts, architecture, cache, skips, mlps)
    streams = [cache[f"blocks.{layer}.hook_resid_pre"] for layer in range(architecture.n_layers)]
    return [*streams, cache[f"blocks.{architecture.n_layers - 1}.hook_resid_post"]]


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


def residual_ratio(tokens: Float[Tensor, "*batch token d"], norm: str) -> Float[Tensor, "*batch"]:
    """‖res(X)‖ / ‖X‖: 0 for tokens that are all the same (all zero included).

    In the Frobenius norm it is at most 1, in the composite norm at most 2(1 − 1/k).
    """
    size, left = NORMS[norm](tokens), NORMS[norm](residual(tokens))
    return torch.where(size == 0, 0.0, left / size)


def attention_bound(
    tokens: Float[Tensor, "seed prompt k d_model"],
    parameters: regression.Parameters,
    layer: int,
    architecture: Architecture,
) -> tuple[Float[Tensor, "seed prompt"], Float[Tensor, "seed prompt"]]:
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

    And 1 where the condition of the theorem holds, 0 where not, nan where X is not finite. It is
    about softmax attention, whose rows sum to 1.
    """
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
    spread = largest.amax(dim=-1)  # max |E_ij − E_ij'| over heads, rows i, columns j, j'
    holds = (spread <= PERTURBATION_LIMIT).to(spread).masked_fill(spread.isnan(), torch.nan)
    return 2 * (1 - 1 / k) * bound, holds
