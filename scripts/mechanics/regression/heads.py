"""What the heads of a regression network attend to: patterns, W_QK, and match with x_iᵀx_test.

A head that looks up similar examples gives a context token the more weight the larger its
x_iᵀx_test is. That is asked in ranks (Spearman), which serves linear scores and softmax
probabilities alike.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models.attention import attention_pattern, split_heads
from mechanics.models.prompts import Prompts
from mechanics.models.regression import Parameters
from mechanics.models.transformer import Architecture, normalise
from mechanics.regression.residual_stream import residual_streams


def attention_weights(
    parameters: Parameters, prompts: Prompts, architecture: Architecture, every: bool = False
) -> list[Float[Tensor, "seed prompt head query k"]]:
    """With what weights the query tokens sum the context's values, for every layer.

    Softmax probabilities, or linear scores divided by k (``attention_pattern``), at the network's
    own residual streams. ``prompts`` have the coordinates that the network reads. ``every``: the
    context's tokens are queries too, and come first.
    """
    k = prompts.x.shape[-2]
    first = 0 if every else k
    mask = None if prompts.mask is None else prompts.mask[:, :, None, None, :]
    patterns = []
    for layer, stream in enumerate(residual_streams(parameters, prompts, architecture)[:-1]):
        name = f"blocks.{layer}"
        normed = normalise(stream, parameters, f"{name}.ln1", architecture)
        query = split_heads(normed[..., first:, :], parameters[f"{name}.attn.W_Q"]).transpose(
            -2, -3
        )
        key = split_heads(normed[..., :k, :], parameters[f"{name}.attn.W_K"]).transpose(-2, -3)
        scores = query @ key.transpose(-1, -2) * architecture.score_scale
        zero_tokens = architecture.zero_tokens
        patterns.append(attention_pattern(scores, architecture.attention, mask, zero_tokens))
    return patterns


def merged_query_key(
    parameters: Parameters, architecture: Architecture, layer: int, head: int
) -> Float[Tensor, "seed d_model d_model"]:
    """W_QK = W_Q W_Kᵀ · score_scale of one head: the score is (query stream)ᵀ W_QK (key stream).

    For a network without embedding the first layer's streams are the tokens [x; y] themselves. For
    an embedded network W_QK is that of the d_model stream, and no W_E takes it to tokens: the
    LayerNorm before it is not linear, and after the first layer the stream is no token any more.

    Raises ValueError for a layer or a head that the network does not have.
    """
    if not (0 <= layer < architecture.n_layers and 0 <= head < architecture.n_heads):
        raise ValueError(
            f"no head {head} of layer {layer}: the network has {architecture.n_layers} layers of"
            f" {architecture.n_heads} heads, counted from 0"
        )
    W_Q, W_K = (parameters[f"blocks.{layer}.attn.W_{letter}"][:, head] for letter in "QK")
    return W_Q @ W_K.transpose(-1, -2) * architecture.score_scale


def value_sign(
    parameters: Parameters, architecture: Architecture, layer: int
) -> Float[Tensor, "seed head"]:
    """Sign with which y_i of an attended token enters the prediction: that of −(W_V W_O)[y, y].

    A head that writes −y_i to tokens unlike the query does the same as one that writes y_i to
    tokens like it: the sign of a match means something only together with this one. Minus, because
    the network predicts minus the last coordinate of its stream.

    Raises ValueError for an embedded network, whose stream has no coordinate y.
    """
    if architecture.embedded:
        raise ValueError("the value path has a sign on tokens only, not in an embedded stream")
    W_V, W_O = (parameters[f"blocks.{layer}.attn.W_{letter}"] for letter in "VO")
    return -torch.einsum("shi,shi->sh", W_V[:, :, -1], W_O[..., -1]).sign()


def similarities(prompts: Prompts) -> Float[Tensor, "seed prompt query k"]:
    """x_iᵀx_test for every test point and context token."""
    return prompts.x_test @ prompts.x.transpose(-1, -2)


def shuffled_similarities(prompts: Prompts) -> Float[Tensor, "seed prompt query k"]:
    """x_iᵀx_test with the test points of the prompt before: what a head cannot know of.

    An x_test of another prompt is as likely as its negative, so that no correlation with these
    similarities can have a mean other than zero.

    Raises ValueError for a single prompt.
    """
    if prompts.x.shape[1] < 2:
        raise ValueError("test points of another prompt need at least two prompts")
    return prompts.x_test.roll(1, dims=1) @ prompts.x.transpose(-1, -2)


def match_correlation(
    attention: Float[Tensor, "*batch k"], similarity: Float[Tensor, "*batch k"]
) -> Float[Tensor, "*batch"]:
    """Spearman's rank correlation of attention and similarity over the context tokens, float64.

    Equal values share their mean rank. Weights that are all equal order nothing and count as 0.
    A row with a weight or similarity that is not finite is nan, as is a context of one token.
    """
    centred = [_ranks(values) for values in (attention, similarity)]
    product = (centred[0] * centred[1]).sum(-1)
    norm = (centred[0].square().sum(-1) * centred[1].square().sum(-1)).sqrt()
    correlation = torch.where(norm > 0, product / norm.clamp_min(1e-300), 0.0)
    finite = attention.isfinite().all(-1) & similarity.isfinite().all(-1)
    return correlation.where(finite & (attention.shape[-1] > 1), torch.nan)


def _ranks(values: Float[Tensor, "*batch k"]) -> Float[Tensor, "*batch k"]:
    """Ranks minus their mean; equal values share the mean of their ranks."""
    values = values.contiguous()
    ordered = values.sort(dim=-1).values
    below = torch.searchsorted(ordered, values)
    up_to = torch.searchsorted(ordered, values, right=True)
    return (below + up_to - values.shape[-1]).double() / 2


def top_weight(
    attention: Float[Tensor, "*batch k"], similarity: Float[Tensor, "*batch k"]
) -> Float[Tensor, "*batch"]:
    """k × the attention at the best match, the token with the largest x_iᵀx_test.

    1 is what uniform attention gives; for linear attention, whose weights need not sum to one, it
    is the score itself.
    """
    best = similarity.argmax(dim=-1, keepdim=True)
    return attention.gather(-1, best)[..., 0] * attention.shape[-1]
