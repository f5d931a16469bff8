"""Residuals and the one-layer bound, on tokens and weights whose answer is known."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from mechanics.models import regression
from mechanics.models.prompts import Prompts, sample_prompts
from mechanics.models.transformer import Architecture, block_shapes, initialise
from mechanics.regression.held_out import residual_streams
from mechanics.regression.laws.attention_bound import (
    NORMS,
    PERTURBATION_LIMIT,
    attention_bound,
    composite_norm,
    residual,
    residual_ratio,
)
from mechanics.regression.rank_collapse import VARIANTS

D, K = 3, 8
DEEP = Architecture("softmax", 4, 2, 16, 8, 32, True, True)
LAYER = Architecture("softmax", 1, 2, 6, 4, 0, False, True)  # attention on tokens of 6 numbers


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def layer_weights(std: float, n_seeds: int = 1) -> dict[str, torch.Tensor]:
    shapes = block_shapes(LAYER, 0)
    return {n: std * normal(n_seeds, *s, seed=i) for i, (n, s) in enumerate(shapes.items())}


def deep_network(std: float) -> tuple[dict[str, torch.Tensor], Prompts]:
    own = initialise(regression.parameter_shapes(DEEP, D), std, torch.Generator().manual_seed(0))
    weights = {n: t[None].double() for n, t in own.items()}
    return weights, sample_prompts("prompts", 0, 0, 32, K, 2, D).double()


def ratios(parameters, prompts, variant: str) -> list[float]:
    """Mean Frobenius ratio of the context tokens after the embedding and each layer."""
    streams = residual_streams(parameters, prompts, DEEP, **VARIANTS[variant])
    return [float(residual_ratio(s[..., :K, :]).mean()) for s in streams]


def test_norms_of_a_small_matrix():
    matrix = torch.tensor([[1.0, -2.0], [3.0, 4.0]])
    assert composite_norm(matrix).item() == pytest.approx((6 * 7) ** 0.5)
    assert NORMS["frobenius"](matrix).item() == pytest.approx(30**0.5)


@pytest.mark.parametrize("norm", NORMS)
def test_ratio_is_0_for_equal_tokens_and_1_for_opposite_ones(norm):
    token = torch.tensor([1.0, -2.0, 0.5])
    assert residual_ratio(token.expand(4, 3), norm) == 0
    assert residual_ratio(torch.zeros(4, 3), norm) == 0
    assert residual_ratio(torch.stack([token, -token]), norm) == 1
    assert residual_ratio(torch.full((4, 3), torch.nan), norm).isnan()


def test_limit_is_where_the_exponential_meets_its_line():
    assert math.exp(PERTURBATION_LIMIT) <= 1 + 2 * PERTURBATION_LIMIT
    above = PERTURBATION_LIMIT + 0.001
    assert math.exp(above) > 1 + 2 * above


def test_untrained_attention_alone_loses_rank_faster_than_with_skips():
    parameters, prompts = deep_network(DEEP.d_model**-0.5)
    alone, skips = (ratios(parameters, prompts, v) for v in ("attention_only", "no_mlp"))
    assert alone[0] == skips[0]
    assert all(after < before for before, after in pairwise(alone))
    assert all(a < s for a, s in zip(alone[1:], skips[1:], strict=True))


def test_bound_is_the_formula_written_out():
    tokens, weights = normal(1, 1, K, 6, seed=9), layer_weights(0.5)
    R, x = residual(tokens)[0, 0], tokens[0, 0].mean(0)
    columns = rows = 0.0
    for head in range(2):
        W_Q, W_K, W_V, W_O = (weights[f"blocks.0.attn.W_{letter}"][0, head] for letter in "QKVO")
        W_QK, W_h = W_Q @ W_K.T, W_V @ W_O
        E, q = R @ W_QK @ R.T / 2, (R @ W_QK.T @ x / 2).softmax(0)  # d_qk = 4
        D_i = [float(row.max() - row.min()) for row in E]
        gamma_squared = float(q.max()) * sum(D_i) / max(D_i)
        qk = float(torch.linalg.matrix_norm(W_QK, 1))
        columns += gamma_squared * qk * float(torch.linalg.matrix_norm(W_h, 1))
        rows += qk * float(torch.linalg.matrix_norm(W_h, math.inf))
    size = (torch.linalg.matrix_norm(R, 1) * torch.linalg.matrix_norm(R, math.inf)) ** 0.5
    expected = 2 * (1 - 1 / K) * 4 / 2 * float(size) ** 3 * (columns * rows) ** 0.5
    found = attention_bound(tokens, weights, 0, LAYER)
    assert found.bound.item() == pytest.approx(expected, rel=1e-10)


def test_bound_holds_on_random_layers_that_meet_its_condition():
    spread = torch.logspace(-2, 0.5, 40, dtype=torch.float64)[:, None, None]
    tokens = 2 * normal(50, 40, 1, 6, seed=7) + spread * normal(50, 40, K, 6, seed=8)
    found = attention_bound(tokens, layer_weights(0.4, n_seeds=50), 0, LAYER)
    holds = found.holds() == 1
    assert 0.2 < holds.double().mean() < 0.8  # both cases occur
    assert (found.measured[holds] <= found.bound[holds]).all()
    assert torch.equal(found.bound_as_ratio().isnan(), ~holds)


def test_bound_proves_collapse_for_small_weights():
    tokens = normal(1, 20, K, 6)
    found = attention_bound(tokens, layer_weights(0.05), 0, LAYER)
    assert (found.holds() == 1).all()
    assert (found.bound < composite_norm(residual(tokens))).all()


def test_what_attention_leaves_is_cubic_in_the_residual():
    around, spread = normal(1, 20, 1, 6, seed=1), normal(1, 20, K, 6, seed=2)
    left = [
        attention_bound(around + size * spread, layer_weights(0.5), 0, LAYER)
        for size in (1e-3, 1e-4)
    ]
    for name in ("measured", "bound"):
        shrinks = getattr(left[0], name) / getattr(left[1], name)
        torch.testing.assert_close(shrinks, torch.full_like(shrinks, 1e3), rtol=0.02, atol=0)


def test_equal_tokens_and_single_tokens_have_nothing_left_to_bound():
    for tokens in (normal(1, 5, 1, 6).expand(1, 5, K, 6), normal(1, 5, 1, 6)):
        found = attention_bound(tokens, layer_weights(0.5), 0, LAYER)
        assert (found.bound < 1e-30).all()
        assert (found.measured < 1e-14).all()
        assert found.bound_over_measured().isnan().all()  # rounding is no measurement


def test_linear_attention_has_no_theorem():
    linear = replace(LAYER, attention="linear")
    with pytest.raises(ValueError, match="row-stochastic"):
        attention_bound(normal(1, 5, K, 6), layer_weights(0.5), 0, linear)
