"""Attention patterns of regression networks, and their match with the similarity of the inputs."""

import pytest
import torch
from scipy.stats import spearmanr

from mechanics.models.attention import join_heads, split_heads
from mechanics.models.prompts import Prompts, sample_prompts, shorten
from mechanics.models.regression import attend, parameter_shapes
from mechanics.models.transformer import Architecture, initialise, normalise
from mechanics.regression.heads import (
    attention_weights,
    match_correlation,
    merged_query_key,
    shuffled_similarities,
    similarities,
    top_weight,
    value_sign,
)
from mechanics.regression.residual_stream import residual_streams

D, K = 3, 6
TOKENS = Architecture("linear", 2, 2, D + 1, D + 1, 0, False, False)
DEEP = Architecture("softmax", 2, 2, 8, 4, 16, True)


def random_network(architecture: Architecture) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    weights = initialise(parameter_shapes(architecture, D), 0.5, generator)
    return {name: tensor.double()[None] for name, tensor in weights.items()}


def draw_prompts(n_prompts: int = 4) -> Prompts:
    prompts = sample_prompts("prompts", 0, 0, n_prompts, K, 2, D)
    return Prompts(*(t.double() for t in (prompts.x, prompts.y, prompts.x_test, prompts.y_test)))


@pytest.mark.parametrize("architecture", [TOKENS, DEEP])
@pytest.mark.parametrize("masked", [False, True])
def test_values_summed_with_these_weights_are_what_a_layer_adds(architecture, masked):
    weights, prompts = random_network(architecture), draw_prompts()
    if masked:
        prompts = shorten(prompts, torch.tensor([[2, 3, 4, 5]]))
    streams = residual_streams(weights, prompts, architecture)
    for layer, pattern in enumerate(attention_weights(weights, prompts, architecture)):
        normed = normalise(streams[layer], weights, f"blocks.{layer}.ln1", architecture)
        context, query = normed[..., :K, :], normed[..., K:, :]
        value = split_heads(context, weights[f"blocks.{layer}.attn.W_V"]).transpose(-2, -3)
        mixed = (pattern @ value).transpose(-2, -3)
        added = join_heads(mixed, weights[f"blocks.{layer}.attn.W_O"])
        expected = attend(query, context, weights, layer, architecture, prompts.mask)
        torch.testing.assert_close(added, expected, atol=1e-10, rtol=1e-10)


def test_first_scores_of_a_token_network_are_bilinear_in_the_tokens():
    weights, prompts = random_network(TOKENS), draw_prompts()
    W_QK = merged_query_key(weights, TOKENS, layer=0, head=1)
    context = torch.cat([prompts.x, prompts.y[..., None]], dim=-1)
    query = torch.nn.functional.pad(prompts.x_test, (0, 1))
    expected = query @ W_QK[:, None] @ context.transpose(-1, -2) / K
    found = attention_weights(weights, prompts, TOKENS)[0][:, :, 1]
    torch.testing.assert_close(found, expected, atol=1e-10, rtol=1e-10)


def test_query_key_of_a_deep_network_is_in_its_stream():
    assert merged_query_key(random_network(DEEP), DEEP, 1, 0).shape == (1, 8, 8)


@pytest.mark.parametrize(("layer", "head"), [(2, 0), (0, 2), (-1, 0)])
def test_a_head_that_does_not_exist_is_refused(layer, head):
    with pytest.raises(ValueError, match="2 layers of 2 heads"):
        merged_query_key(random_network(TOKENS), TOKENS, layer, head)


def test_value_sign_is_that_of_the_prediction():
    """Heads that copy y and −y to the stream lower and raise the prediction, minus the stream."""
    copy = torch.zeros(1, 2, D + 1, D + 1)
    copy[0, 0, D, D], copy[0, 1, D, D] = 1.0, -1.0
    identity = torch.eye(D + 1).expand(1, 2, -1, -1)
    weights = {"blocks.0.attn.W_V": copy, "blocks.0.attn.W_O": identity}
    assert value_sign(weights, TOKENS, 0).tolist() == [[-1.0, 1.0]]


def test_an_embedded_stream_has_no_value_sign():
    with pytest.raises(ValueError, match="on tokens only"):
        value_sign(random_network(DEEP), DEEP, 0)


def test_rank_correlation_is_spearmans_with_ties_too():
    generator = torch.Generator().manual_seed(0)
    first = torch.randn(20, 7, generator=generator, dtype=torch.float64).mul(2).round()
    second = torch.randn(20, 7, generator=generator, dtype=torch.float64)
    found = match_correlation(first, second)
    expected = [spearmanr(a, b).statistic for a, b in zip(first, second, strict=True)]
    assert found.tolist() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("kind", ["probabilities", "scores"])
def test_weights_in_the_order_of_the_similarity_match_whatever_their_shape(kind):
    similarity = similarities(draw_prompts())
    attention = (3 * similarity).softmax(-1) if kind == "probabilities" else similarity**3
    correlation = match_correlation(attention, similarity)
    torch.testing.assert_close(correlation, torch.ones_like(correlation), atol=1e-12, rtol=0)
    torch.testing.assert_close(match_correlation(-attention, similarity), -correlation)


def test_uniform_weights_match_nothing():
    similarity = similarities(draw_prompts())
    assert match_correlation(torch.full_like(similarity, 1 / K), similarity).eq(0).all()


def test_a_weight_that_is_not_finite_has_no_rank():
    attention = torch.tensor([[1.0, 2.0, torch.nan], [1.0, 2.0, torch.inf], [1.0, 2.0, 3.0]])
    found = match_correlation(attention, torch.arange(3.0).expand(3, 3))
    assert found.isnan().tolist() == [True, True, False]


def test_a_single_context_token_has_no_order():
    assert match_correlation(torch.ones(2, 1), torch.ones(2, 1)).isnan().all()


def test_similarity_with_test_points_of_other_prompts_is_unrelated():
    prompts = draw_prompts(2000)
    found = match_correlation(similarities(prompts), shuffled_similarities(prompts)).mean(-1)
    assert abs(found.mean()) < 4 * found.std() / 2000**0.5


def test_one_prompt_cannot_be_shuffled():
    with pytest.raises(ValueError, match="at least two prompts"):
        shuffled_similarities(draw_prompts(1))


def test_top_weight_is_one_for_uniform_attention_and_k_for_a_look_up():
    similarity = torch.tensor([[0.1, 2.0, -3.0]])
    assert top_weight(torch.full((1, 3), 1 / 3), similarity).item() == pytest.approx(1)
    assert top_weight(torch.tensor([[0.0, 1.0, 0.0]]), similarity).item() == 3
