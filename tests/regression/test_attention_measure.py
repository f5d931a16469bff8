"""Attention and its match with x_iᵀx_test, on heads where it is known by construction."""

import numpy as np
import pytest
import torch
from gradient_steps import merged_heads, smoothing_heads
from helpers import held_out, normal, regression_network, regression_settings, single
from scipy.stats import spearmanr

from mechanics.models.prompts import sample_prompts
from mechanics.models.regression import parameter_shapes
from mechanics.models.transformer import architecture, initialise
from mechanics.models.weights import Network
from mechanics.regression.attention import attention, attention_patterns, match_correlation
from mechanics.regression.effective_weights import merged

D, K = 3, 6


def random_network(settings: dict) -> Network:
    shapes = parameter_shapes(architecture(settings), D)
    drawn = initialise(shapes, 0.5, torch.Generator().manual_seed(7))
    return regression_network(settings, drawn)


@pytest.fixture(params=["linear", "softmax"], scope="module")
def measured(request):
    """Seed 0 diverged; seed 1 has a head that matches and one that is its mirror image."""
    changes = {"n_heads": 2, "d_mlp": 0, "n_prompts_history": 64}
    settings = regression_settings(attention=request.param, **changes)
    good = single(merged_heads(*smoothing_heads([0.4, -0.4], [1.0, -1.0])))
    bad = {name: torch.full_like(tensor, torch.nan) for name, tensor in good.items()}
    networks = [
        regression_network(settings, bad, 0, "diverged"),
        regression_network(settings, good, 1, "stalled"),
    ]
    return list(attention(networks, held_out(settings)).values())


def test_a_head_matches_its_mirror_image_oppositely_and_the_untrained_one_does_not(measured):
    rows = measured[0].query("trained and seed == 1")
    assert rows.groupby("head")["correlation"].mean().tolist() == pytest.approx([1, -1])
    assert rows["signed_correlation"].tolist() == pytest.approx([1] * 4)
    assert rows["k"].tolist() == [4, 4, 8, 8]
    assert rows["n_prompts"].eq(64).all()
    assert measured[0].query("not trained")["correlation"].abs().max() < 0.9


def test_a_diverged_seed_is_nan_and_gives_no_examples(measured):
    heads, examples, _, query_key = measured
    assert heads.query("trained and seed == 0")["correlation"].isna().all()
    assert examples["seed"].eq(1).all()
    assert query_key["seed"].eq(1).all()


def test_examples_are_ordered_by_similarity_and_so_is_the_matching_head(measured):
    examples = measured[1].query("head == 0")
    assert examples["k"].eq(8).all()  # the nearest to 20
    assert examples.groupby("prompt").size().tolist() == [8] * 8
    ordered = examples.sort_values("rank").groupby("prompt")[["similarity", "weight"]]
    assert (ordered.diff().dropna() <= 0).all(axis=None)


def test_the_matrix_ends_with_the_first_example_and_no_pair_matches_better_than_each_itself(
    measured,
):
    examples, matrix = (table.query("head == 0") for table in measured[1:3])
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
    tables = attention([random_network(settings)], held_out(settings))
    heads, examples, matrix, query_key = tables.values()
    assert heads["signed_correlation"].isna().all()
    assert heads["correlation"].notna().all()
    assert len(heads) == 2 * 2 * 2 * 2  # trained, k, layer, head
    assert examples.groupby(["layer", "head", "prompt"])["weight"].sum().round(5).eq(1).all()
    assert matrix.groupby(["layer", "head", "query_token"])["weight"].sum().round(5).eq(1).all()
    assert query_key.empty and "value" in query_key


def test_first_scores_of_a_token_network_are_bilinear_in_the_tokens():
    network = random_network(regression_settings(n_layers=2, n_heads=2)).exact()
    prompts = sample_prompts("prompts", 0, 0, 4, K, 2, D).double()
    context = torch.cat([prompts.x, prompts.y[..., None]], dim=-1)
    query = torch.nn.functional.pad(prompts.x_test, (0, 1))
    W_QK = merged(network.weights, network.architecture)[0][:, None]  # seed 1 head token token
    expected = query[:, :, None] @ W_QK @ context[:, :, None].mT / K
    found = attention_patterns(network, prompts, first=K)[0]
    torch.testing.assert_close(found, expected, atol=1e-10, rtol=1e-10)


def test_rank_correlation_is_spearmans_with_ties_too():
    first, second = normal(20, 7).mul(2).round(), normal(20, 7, seed=1)
    expected = [spearmanr(a, b).statistic for a, b in zip(first, second, strict=True)]
    assert match_correlation(first, second).tolist() == pytest.approx(expected, abs=1e-12)


def test_what_orders_nothing_matches_nothing():
    assert match_correlation(torch.full((4, K), 1 / K), normal(4, K)).eq(0).all()
    weights = torch.tensor([[1.0, 2.0, torch.nan], [1.0, 2.0, torch.inf], [1.0, 2.0, 3.0]])
    found = match_correlation(weights, torch.arange(3.0).expand(3, 3))
    assert found.isnan().tolist() == [True, True, False]
    assert match_correlation(torch.ones(2, 1), torch.ones(2, 1)).isnan().all()  # one token
