"""Rank collapse, on networks whose attention is known; the bound on tokens and weights that are."""

import math

import pytest
import torch
from helpers import held_out, normal, regression_network, regression_settings, single

from mechanics.models import regression
from mechanics.models.prompts import sample_prompts
from mechanics.models.transformer import Architecture, architecture, block_shapes, initialise
from mechanics.regression.rank_collapse import (
    NORMS,
    PERTURBATION_LIMIT,
    VARIANTS,
    attention_bound,
    composite_norm,
    rank_collapse,
    residual,
    residual_ratio,
    residual_streams,
)

SETTINGS = regression_settings(
    attention="softmax", n_layers=4, n_heads=2, d_model=16, d_mlp=32, layer_norm=True
)
NETWORK = architecture(SETTINGS)
D, K = 3, 8
PROMPTS = sample_prompts("prompts", 0, 0, 32, K, 2, D).double()
LAYER = Architecture("softmax", 1, 2, 6, 4, 0, False, True)  # attention on tokens of 6 numbers


def drawn(std: float) -> dict[str, torch.Tensor]:
    shapes = regression.parameter_shapes(NETWORK, D)
    own = initialise(shapes, std, torch.Generator().manual_seed(0))
    return {name: tensor[None].double() for name, tensor in own.items()}


UNIFORM = {name: own * (not name.endswith("W_Q")) for name, own in drawn(0.5).items()}


@pytest.fixture(scope="module")
def frame():
    """Seed 0: uniform attention once trained. Seed 1: weights that are not numbers."""
    diverged = {name: own * torch.nan for name, own in UNIFORM.items()}
    networks = [
        regression_network(SETTINGS, single(own), seed)
        for seed, own in enumerate((UNIFORM, diverged))
    ]
    return rank_collapse(networks, held_out(SETTINGS))


def test_a_row_for_each_seed_variant_layer_and_norm(frame):
    keys = ["seed", "trained", "variant", "layer", "norm"]
    assert len(frame) == len(frame.drop_duplicates(keys)) == 2 * 2 * 4 * 5 * 2
    assert set(frame["k"]) == {8}
    assert set(frame["n_prompts"]) == {SETTINGS["n_prompts_history"]}


def test_uniform_attention_collapses_and_random_attention_does_not(frame):
    alone = frame.query("variant == 'attention_only' and seed == 0")
    ratios = alone.pivot(index=["trained", "norm"], columns="layer", values="ratio")
    assert (ratios.loc[True, 1] < 1e-14).all()
    assert (ratios.loc[False, 1] > 0.01).all()
    assert (ratios[0] > 0.3).all()


def test_theorem_is_for_the_composite_norm_of_attention_alone(frame):
    rows = frame.query("seed == 0 and trained")
    theirs = rows.eval("variant == 'attention_only' and norm == 'composite' and layer > 0")
    assert (rows.loc[theirs, "condition_share"] == 1).all()  # uniform attention: E = 0
    assert rows.loc[theirs & (rows["layer"] == 1), "bound"].tolist() == [0]
    assert rows.loc[~theirs, ["condition_share", "bound"]].isna().all(axis=None)


def test_whole_variant_has_the_risk_of_the_network(frame):
    prompts = held_out(SETTINGS).prompts(8).double()
    errors = (regression.forward(UNIFORM, prompts, NETWORK) - prompts.y_test).square()
    own = frame.query("seed == 0 and trained and variant == 'whole'")
    assert own["risk"].tolist() == pytest.approx([float(errors.mean()) / D] * 10)


def test_diverged_weights_give_nan_and_leave_the_others(frame):
    columns = ["ratio", "ratio_median", "risk", "condition_share"]
    nan = frame.query("seed == 1 and trained")
    assert nan[columns].isna().all(axis=None)
    assert frame.drop(nan.index)["ratio"].notna().all()


def layer_weights(std: float, n_seeds: int = 1) -> dict[str, torch.Tensor]:
    shapes = block_shapes(LAYER, 0)
    return {n: std * normal(n_seeds, *s, seed=i) for i, (n, s) in enumerate(shapes.items())}


def streams_of(parameters, variant: str) -> list[torch.Tensor]:
    return residual_streams(parameters, PROMPTS, NETWORK, **VARIANTS[variant])


def test_the_variants_leave_out_skips_and_mlps():
    own = drawn(0.5)
    embedded, alone = streams_of(own, "attention_only")[:2]
    torch.testing.assert_close(streams_of(own, "no_mlp")[1], embedded + alone)
    torch.testing.assert_close(
        streams_of(own, "no_skip")[1], regression.mlp(alone, own, 0, NETWORK)
    )
    other = {name: t * 2 if ".mlp." in name else t for name, t in own.items()}
    for variant, equal in (("no_mlp", True), ("whole", False)):
        last = [streams_of(weights, variant)[-1] for weights in (own, other)]
        assert torch.equal(*last) == equal


def test_norms_of_a_small_matrix_and_the_limit_where_the_exponential_meets_its_line():
    matrix = torch.tensor([[1.0, -2.0], [3.0, 4.0]])
    assert composite_norm(matrix).item() == pytest.approx((6 * 7) ** 0.5)
    assert NORMS["frobenius"](matrix).item() == pytest.approx(30**0.5)
    assert math.exp(PERTURBATION_LIMIT) <= 1 + 2 * PERTURBATION_LIMIT
    above = PERTURBATION_LIMIT + 0.001
    assert math.exp(above) > 1 + 2 * above


@pytest.mark.parametrize("norm", NORMS)
def test_ratio_is_0_for_equal_tokens_and_1_for_opposite_ones(norm):
    token = torch.tensor([1.0, -2.0, 0.5])
    assert residual_ratio(token.expand(4, 3), norm) == 0
    assert residual_ratio(torch.zeros(4, 3), norm) == 0
    assert residual_ratio(torch.stack([token, -token]), norm) == 1
    assert residual_ratio(torch.full((4, 3), torch.nan), norm).isnan()


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
    found, _ = attention_bound(tokens, weights, 0, LAYER)
    assert found.item() == pytest.approx(expected, rel=1e-10)


def left_of(tokens, weights) -> torch.Tensor:
    """‖res(SA(X))‖_{1,∞}, what the bound bounds."""
    return composite_norm(residual(regression.attend(tokens, tokens, weights, 0, LAYER)))


def test_bound_holds_on_random_layers_that_meet_its_condition():
    spread = torch.logspace(-2, 0.5, 40, dtype=torch.float64)[:, None, None]
    tokens = 2 * normal(50, 40, 1, 6, seed=7) + spread * normal(50, 40, K, 6, seed=8)
    weights = layer_weights(0.4, n_seeds=50)
    bound, holds = attention_bound(tokens, weights, 0, LAYER)
    assert 0.2 < holds.mean() < 0.8  # both cases occur
    assert (left_of(tokens, weights) <= bound)[holds == 1].all()


def test_equal_tokens_and_single_tokens_have_nothing_left_to_bound():
    for tokens in (normal(1, 5, 1, 6).expand(1, 5, K, 6), normal(1, 5, 1, 6)):
        bound, _ = attention_bound(tokens, layer_weights(0.5), 0, LAYER)
        assert (bound < 1e-30).all()
        assert (left_of(tokens, layer_weights(0.5)) < 1e-14).all()
