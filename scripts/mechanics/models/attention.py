"""Attention in two kinds, linear and softmax, shared by every network of the study.

Weights carry a leading ``seed`` dimension: a stack of independent replicas is one set of
tensors, so that a batch of small networks costs little more than one (see ``training/loop.py``).
Names and shapes of the weights are TransformerLens's (``W_Q[head, d_model, d_head]`` and so on).
"""

from functools import partial
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

Kind = Literal["linear", "softmax"]


def attention_pattern(
    scores: Float[Tensor, "*batch query key"],
    kind: Kind,
    mask: Bool[Tensor, "*#batch #query key"] | None = None,
    zero_tokens: int = 0,
) -> Float[Tensor, "*batch query key"]:
    """Turn scores into the weights with which values are summed.

    ``softmax``: softmax over the keys that ``mask`` admits. ``linear``: the score itself divided
    by the number of admitted keys, so that a layer sums over the context as 1/k Σ (von Oswald et
    al. 2023, eq. 6, with the 1/k of a mean gradient). ``zero_tokens`` count as keys, too: without
    biases a token of zeros adds nothing to the sum, but it is one of those that the mean is over.
    """
    if kind == "softmax":
        if mask is not None:
            scores = scores.masked_fill(~mask, float("-inf"))
        return scores.softmax(dim=-1)
    if mask is None:
        return scores / (scores.shape[-1] + zero_tokens)
    return scores * mask / (mask.sum(dim=-1, keepdim=True) + zero_tokens)


def project(
    stream: Float[Tensor, "seed *rows d_in"],
    weight: Float[Tensor, "seed d_in d_out"],
    bias: Float[Tensor, "seed d_out"] | None = None,
) -> Float[Tensor, "seed *rows d_out"]:
    """Multiply every row of each replica's stream by that replica's matrix, and add its bias."""
    rows = stream.flatten(1, -2)
    if len(weight) == 1:
        # not a batched product of one: its gradient is up to three times slower on a CPU
        product = torch.mm if bias is None else partial(torch.addmm, bias.squeeze(0))
        result = product(rows.squeeze(0), weight.squeeze(0)).unsqueeze(0)
    elif bias is None:
        result = torch.bmm(rows, weight)
    else:
        result = torch.baddbmm(bias[:, None], rows, weight)
    return result.unflatten(1, stream.shape[1:-1])


def split_heads(
    stream: Float[Tensor, "seed *rows d_model"],
    weight: Float[Tensor, "seed head d_model d_head"],
) -> Float[Tensor, "seed *rows head d_head"]:
    """Project a stream to queries, keys or values of every head (``W_Q``, ``W_K``, ``W_V``)."""
    n_heads = weight.shape[1]
    joined = weight.transpose(1, 2).flatten(2)  # seed d_model (head d_head)
    return project(stream, joined).unflatten(-1, (n_heads, -1))


def join_heads(
    mixed: Float[Tensor, "seed *rows head d_head"],
    weight: Float[Tensor, "seed head d_head d_model"],
) -> Float[Tensor, "seed *rows d_model"]:
    """Project the heads' sums of values back to the stream (``W_O``)."""
    return project(mixed.flatten(-2), weight.flatten(1, 2))
