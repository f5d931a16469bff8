"""The measurement of attention, on heads whose match with x_iᵀx_test is known by construction."""

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import held_out, regression_network, regression_settings

from mechanics.models.regression import parameter_shapes
from mechanics.models.transformer import architecture, initialise
from mechanics.regression.attention import attention

D = 3


def head_pair(match: list[float], value: list[float]) -> dict[str, torch.Tensor]:
    """Heads with W_QK = match·I on x, whose values add value·y to the prediction."""
    W_Q, W_O = torch.zeros(2, 2, D + 1, D + 1)
    for head in range(2):
        W_Q[head, :D, :D] = match[head] * torch.eye(D) * (D + 1) ** 0.5
        W_O[head, D, D] = -value[head]
    identity = torch.eye(D + 1).expand(2, -1, -1)
    matrices = {"Q": W_Q, "K": identity, "V": identity, "O": W_O}
    return {f"blocks.0.attn.W_{letter}": m.contiguous() for letter, m in matrices.items()}


def measure(settings, final, statuses) -> list[pd.DataFrame]:
    """The tables of seeds 0, 1, … with these final weights."""
    networks = [
        regression_network(settings, weights, seed, status)
        for seed, (weights, status) in enumerate(zip(final, statuses, strict=True))
    ]
    return list(attention(networks, held_out(settings)).values())


@pytest.fixture(params=["linear", "softmax"])
def measured(request):
    """Seed 0 diverged; seed 1 has a head that matches and one that is its mirror image."""
    settings = regression_settings(
        attention=request.param, n_heads=2, d_mlp=0, n_prompts_history=64
    )
    good = head_pair(match=[0.4, -0.4], value=[1.0, -1.0])
    bad = {name: torch.full_like(tensor, torch.nan) for name, tensor in good.items()}
    return measure(settings, [bad, good], ["diverged", "finished"])


def test_a_head_and_its_mirror_image_match_with_opposite_signs(measured):
    rows = measured[0].query("trained and seed == 1")
    assert rows.groupby("head")["correlation"].mean().tolist() == pytest.approx([1, -1])
    assert rows["signed_correlation"].tolist() == pytest.approx([1] * 4)
    assert rows["k"].tolist() == [4, 4, 8, 8]
    assert rows["n_prompts"].eq(64).all()


def test_test_points_of_other_prompts_and_the_untrained_network_do_not_match(measured):
    rows = measured[0]
    shuffled = rows["shuffled_correlation"].abs() < 4 * rows["shuffled_correlation_se"]
    assert shuffled[~((rows["seed"] == 0) & rows["trained"])].all()
    assert rows.query("not trained")["correlation"].abs().max() < 0.9


def test_a_diverged_seed_is_nan_and_gives_no_examples(measured):
    heads, examples, _, query_key = measured
    assert heads.query("trained and seed == 0")["correlation"].isna().all()
    assert examples["seed"].eq(1).all()
    assert query_key["seed"].eq(1).all()


def test_examples_are_ordered_by_similarity_and_so_is_the_matching_head(measured):
    examples = measured[1].query("head == 0")
    assert examples["k"].eq(8).all()  # the nearest to 20
    assert examples.groupby("prompt").size().tolist() == [8] * 8
    for _, prompt in examples.groupby("prompt"):
        ordered = prompt.sort_values("rank")
        assert ordered["similarity"].is_monotonic_decreasing
        assert ordered["weight"].is_monotonic_decreasing


def test_the_matrix_ends_with_the_first_example_and_no_pair_matches_better_than_each_itself(
    measured,
):
    examples, matrix = (measured[place].query("head == 0") for place in (1, 2))
    matrix = matrix.pivot(index="query_token", columns="key_token", values="weight").to_numpy()
    first = examples.query("prompt == 0").sort_values("rank")["weight"]
    assert matrix.shape == (9, 8)
    assert matrix[-1].tolist() == pytest.approx(first.tolist())
    scores = np.log(matrix[:-1]) if (matrix > 0).all() else matrix[:-1]  # of softmax, up to a sum
    pairs = scores - scores.diagonal()[:, None]  # x_i·x_j − x_i·x_i, and with j's −|x_i − x_j|²
    assert (pairs + pairs.T < 1e-5).all()


def test_query_key_is_read_back(measured):
    query_key = measured[3].query("head == 1").pivot(index="row", columns="column", values="value")
    expected = torch.zeros(D + 1, D + 1)
    expected[:D, :D] = -0.4 * torch.eye(D)
    torch.testing.assert_close(torch.tensor(query_key.to_numpy()), expected.double())


def test_an_embedded_network_has_neither_sign_nor_query_key_on_tokens():
    changes = {"n_layers": 2, "n_heads": 2, "d_model": 8, "layer_norm": True}
    settings = regression_settings(attention="softmax", **changes)
    network = architecture(settings)
    random = torch.Generator().manual_seed(7)
    weights = initialise(parameter_shapes(network, D), 0.5, random)
    heads, examples, matrix, query_key = measure(settings, [weights], ["finished"])
    assert heads["signed_correlation"].isna().all()
    assert heads["correlation"].notna().all()
    assert len(heads) == 2 * 2 * 2 * 2  # trained, k, layer, head
    assert examples.groupby(["layer", "head", "prompt"])["weight"].sum().tolist() == pytest.approx(
        [1] * 32
    )
    assert matrix.groupby(["layer", "head", "query_token"])["weight"].sum().round(5).eq(1).all()
    assert query_key.empty
    assert "value" in query_key
