"""Frequencies kept in or removed from the embedding of the numbers, and what is answered then.

W_E is where a network of any depth first meets a number: what it cannot read there it cannot use.
So this tells whether an answer *needs* frequencies that its logits need not show. That holds with
LayerNorm and several layers, too, where there is no W_L and where the logits may be a function of
the frequencies that is not their sum.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.addition.ablation import Answers, judge
from mechanics.addition.fourier import waves
from mechanics.addition.pairs import all_pairs
from mechanics.models import addition
from mechanics.models.transformer import Architecture


def in_embedding(
    W_E: Float[Tensor, "token d_model"], chosen: Sequence[int], keep: bool
) -> Float[Tensor, "token d_model"]:
    """W_E with only the chosen frequencies over the numbers, or without them.

    A frequency is the projection of each column, over the numbers 0 … p − 1, on its cosine and
    sine. The mean of the numbers and the row of "=" (the last) stay as they are: a removed
    frequency is at its mean. Raises ValueError for a frequency that p does not have.
    """
    numbers = W_E[:-1]
    directions = waves(len(numbers), chosen).to(W_E)
    part = directions.T @ (directions @ numbers)
    changed = numbers.mean(dim=0) + part if keep else numbers - part
    return torch.cat([changed, W_E[-1:]])


@torch.no_grad()
def answers_with(
    parameters: dict[str, Float[Tensor, "1 ..."]],
    architecture: Architecture,
    W_E: Float[Tensor, "token d_model"],
) -> Answers:
    """How one replica (float64) answers all p² pairs with another embedding."""
    p = len(W_E) - 1
    pairs = all_pairs(p).to(W_E.device)[None]
    return judge(addition.forward(parameters | {"embed.W_E": W_E[None]}, pairs, architecture)[0])
