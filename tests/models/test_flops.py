"""The closed forms are what PyTorch's counter finds."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from mechanics.models import addition, regression
from mechanics.models.attention import attention_pattern
from mechanics.models.flops import (
    least_addition_flops,
    least_chain_flops,
    least_regression_flops,
    regression_flops,
)
from mechanics.models.prompts import sample_prompts
from mechanics.models.transformer import Architecture, initialise, mlp, normalise


def random_weights(shapes):
    own = initialise(shapes, 0.1, torch.Generator().manual_seed(0))
    return {name: tensor[None] for name, tensor in own.items()}


def counted(forward, *inputs):
    with FlopCounterMode(display=False) as counter:
        answer = forward(*inputs)
    return answer, counter.get_total_flops()


def cheapest_attention(rows, tokens, parameters, layer, architecture, masked):
    """[n_rows, d_model]: every head's products by ``multi_dot``, which takes the cheapest order."""
    names = (f"blocks.{layer}.attn.W_{letter}" for letter in "QKVO")
    heads, added = zip(*(parameters[name][0] for name in names), strict=True), 0
    for W_Q, W_K, W_V, W_O in heads:
        asked = [rows * architecture.score_scale, W_Q, W_K.T, tokens.T]
        if architecture.attention == "linear" and not masked:
            weights = [*asked[:-1], tokens.T / len(tokens)]
        else:
            mask = torch.ones(len(rows), len(tokens), dtype=torch.bool).tril() if masked else None
            scores = torch.linalg.multi_dot(asked)
            weights = [attention_pattern(scores, architecture.attention, mask)]
        added = added + torch.linalg.multi_dot([*weights, tokens, W_V, W_O])
    return added


def cheapest_blocks(stream, parameters, architecture, n_context, causal):
    """The last row of the stream after all blocks."""
    for layer in range(architecture.n_layers):
        last = layer == architecture.n_layers - 1
        normed = normalise(stream[None], parameters, f"blocks.{layer}.ln1", architecture)[0]
        rows = slice(-1, None) if last else slice(None)
        stream = stream[rows] + cheapest_attention(
            normed[rows], normed[:n_context], parameters, layer, architecture, causal and not last
        )
        if architecture.d_mlp:
            stream = stream + mlp(stream[None], parameters, layer, architecture)[0]
    return stream


def cheapest_regression(parameters, prompts, architecture):
    stream = regression.tokens(prompts, query_flag=architecture.embedded)[0, 0]
    if architecture.embedded:
        stream = stream @ parameters["embed.W_E"][0]
    stream = cheapest_blocks(stream, parameters, architecture, prompts.x.shape[-2], causal=False)
    if not architecture.embedded:
        return -stream[-1, -1]
    final = normalise(stream[None], parameters, "ln_final", architecture)[0]
    return (final @ parameters["unembed.W_U"][0])[0, 0]


def cheapest_addition(parameters, pairs, architecture):
    W_E = parameters["embed.W_E"][0]
    tokens = torch.cat([pairs[0, 0], torch.tensor([len(W_E) - 1])])
    stream = W_E[tokens] + parameters["pos_embed.W_pos"][0]
    stream = cheapest_blocks(stream, parameters, architecture, 3, causal=True)
    final = normalise(stream[None], parameters, "ln_final", architecture)[0]
    return (final @ parameters["unembed.W_U"][0])[0]


@pytest.mark.parametrize("kind", ["linear", "softmax"])
@pytest.mark.parametrize("n_layers", [1, 3])
@pytest.mark.parametrize("n_heads", [1, 2, 4])
@pytest.mark.parametrize(
    ("d_mlp", "layer_norm", "embedded"),
    [(0, False, False), (0, False, True), (12, False, True), (12, True, True)],
)
def test_regression(kind, n_layers, n_heads, d_mlp, layer_norm, embedded):
    d = 3
    d_model, d_head = (8, 8 // n_heads) if embedded else (d + 1, d + 1)
    architecture = Architecture(
        kind, n_layers, n_heads, d_model, d_head, d_mlp, layer_norm, embedded
    )
    parameters = random_weights(regression.parameter_shapes(architecture, d))
    for k, n_queries in ((1, 1), (7, 3), (7, 1)):
        prompts = sample_prompts("prompts", 0, 0, 1, k, n_queries, d)
        answer, found = counted(regression.forward, parameters, prompts, architecture)
        assert regression_flops(architecture, d, k, n_queries) == found
    same, least = counted(cheapest_regression, parameters, prompts, architecture)
    torch.testing.assert_close(same, answer[0, 0, 0])
    assert least_regression_flops(architecture, d, k) == least
    assert least <= found


@pytest.mark.parametrize("kind", ["linear", "softmax"])
@pytest.mark.parametrize("n_layers", [1, 3])
@pytest.mark.parametrize("n_heads", [1, 4])
@pytest.mark.parametrize("layer_norm", [False, True])
def test_least_of_addition(kind, n_layers, n_heads, layer_norm):
    architecture = Architecture(kind, n_layers, n_heads, 8, 8 // n_heads, 12, layer_norm)
    parameters = random_weights(addition.parameter_shapes(architecture, 5))
    pairs = torch.tensor([[[1, 2]]])
    same, least = counted(cheapest_addition, parameters, pairs, architecture)
    torch.testing.assert_close(same, addition.forward(parameters, pairs, architecture)[0, 0])
    assert least_addition_flops(architecture, 5) == least


def test_one_layer_by_hand():
    # d = 1, k = 2: tokens [x; y] of width 2, one head of width 2, one test point
    architecture = Architecture("linear", 1, 1, 2, 2, 0, False, embedded=False)
    moments, W_QK, two_rows_twice = 2 * 2 * 2 * 2, 2 * 2 * 2 * 2, 4 * (2 * 1 * 2 * 2)
    assert regression_flops(architecture, d=1, k=2) == moments + W_QK + two_rows_twice
    # one row through W_Q, W_K, the k tokens twice, W_V, W_O, with and without softmax
    for kind in ("linear", "softmax"):
        architecture = Architecture(kind, 1, 1, 11, 11, 0, False, embedded=False)
        assert least_regression_flops(architecture, d=10, k=10) == 4 * 2 * 11 * 11 + 2 * 2 * 10 * 11
    # Cormen et al., Introduction to Algorithms, 15.2: 15,125 multiplications
    assert least_chain_flops([30, 35, 15, 5, 10, 20, 25]) == 2 * 15125
