"""A training step of the one-layer addition network, with fewer products than its matrices suggest.

What attention mixes at "=" depends on (token, position) alone: 2p + 1 rows per head. Multiplied
once by W_O W_in and by W_O W_U, these rows become two tables, and a pair's pre-activations and
direct logits are weighted sums of 2 · n_heads of their rows. Between neurons and logits lies
nothing, so W_out W_U is one matrix, W_L. The network is that of ``addition.forward``, summed in
another order.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import embedding_bag

from mechanics.models.attention import project
from mechanics.models.transformer import Architecture

Parameters = dict[str, Tensor]


@dataclass(frozen=True)
class PairRows:
    """Which rows of the tables each pair sums: of every head that of a, then that of b.

    The tables of a stack lie one below the other, 2p · n_heads rows each, heads running fastest.
    """

    pairs: Int[Tensor, "seed pair 2"]
    p: int
    n_heads: int

    @cached_property
    def rows(self) -> Int[Tensor, "bag row"]:
        heads = torch.arange(self.n_heads, device=self.pairs.device)
        tokens = self.pairs + torch.tensor([0, self.p], device=self.pairs.device)
        own = (tokens[..., None] * self.n_heads + heads).flatten(2)
        first = torch.arange(len(own), device=own.device) * self.n_rows
        return (own + first[:, None, None]).flatten(0, 1)

    @property
    def n_rows(self) -> int:
        return 2 * self.p * self.n_heads

    @cached_property
    def by_row(self) -> tuple[Int[Tensor, " place"], Int[Tensor, " place"], Int[Tensor, " row"]]:
        """Places in ``rows`` in the order of their row, the bag of each, and where each row starts.

        The gradient of a table is then a sum over bags too, in a fixed order on any device.
        """
        flat = self.rows.flatten()
        order = flat.argsort(stable=True)
        counts = torch.bincount(flat, minlength=len(self.pairs) * self.n_rows)
        return order, order // self.rows.shape[1], counts.cumsum(0) - counts


def _sums(weight, table, constant, index):
    """constant[seed] + Σ_r weight[bag, r] · table[rows[bag, r]], one bag a pair, no copy of rows.

    Fresh memory costs more than adding: the constant is added in place.
    """
    summed = embedding_bag(index.rows, table, mode="sum", per_sample_weights=weight)
    return summed.view(len(constant), -1, table.shape[1]).add_(constant[:, None])


def _gradients_of_sums(gradient, weight, table, index):
    """Gradients of the weights, the table and the constants from that of the sums."""
    order, bags, starts = index.by_row
    n_bags, n_rows = index.rows.shape
    of_constant, gradient = gradient.sum(dim=1), gradient.contiguous().flatten(0, 1)
    own = weight.flatten()[order]
    of_table = embedding_bag(bags, gradient, starts, mode="sum", per_sample_weights=own)
    places = torch.arange(n_bags * n_rows, device=order.device)
    of_weight = torch.ops.aten._embedding_bag_per_sample_weights_backward(
        gradient, table, index.rows.flatten(), places[::n_rows], places // n_rows, 0, -1
    )
    return of_weight.view_as(weight), of_table, of_constant


class _Direct(torch.autograd.Function):
    """The logits that no neuron takes part in: sums of rows."""

    @staticmethod
    def forward(ctx, weight, table, constant, index):
        ctx.save_for_backward(weight, table)
        ctx.index = index
        return _sums(weight, table, constant, index)

    @staticmethod
    def backward(ctx, gradient):
        return *_gradients_of_sums(gradient, *ctx.saved_tensors, ctx.index), None


class _ThroughNeurons(torch.autograd.Function):
    """relu(sums of rows) W_L, the ReLU and its gradient in place, the products in ``dtype``."""

    @staticmethod
    def forward(ctx, weight, table, constant, W_L, index, dtype):
        hook_post = _sums(weight, table, constant, index).relu_().to(dtype)
        ctx.save_for_backward(weight, table, hook_post, W_L.to(dtype))
        ctx.index = index
        return project(hook_post, W_L.to(dtype)).to(W_L.dtype)

    @staticmethod
    def backward(ctx, gradient):
        weight, table, hook_post, W_L = ctx.saved_tensors
        rounded = gradient.to(hook_post.dtype)
        of_W_L = project(rounded.mT, hook_post).mT.to(gradient.dtype)
        of_pre = project(rounded, W_L.mT)
        torch.ops.aten.threshold_backward.grad_input(of_pre, hook_post, 0, grad_input=of_pre)
        of_sums = _gradients_of_sums(of_pre.to(gradient.dtype), weight, table, ctx.index)
        return *of_sums, of_W_L, None, None


# Timed in turns with the general path at 14 shapes, one thread: faster at p = 113, d_model >= 64.
LARGEST_SHARE, LEAST_WORK = 0.75, 1e8


def applies(architecture: Architecture) -> bool:
    """Whether the network is one that this form can express: one layer without LayerNorm."""
    return architecture.n_layers == 1 and not architecture.layer_norm and architecture.d_mlp > 0


def pays(architecture: Architecture, p: int, n_pairs: int) -> bool:
    """Whether it is the faster one: it saves a quarter of many multiplications for each pair.

    The general path multiplies W_O, W_in, W_out and W_U for each pair, this one W_L alone, and
    sums 2 · n_heads rows. In a small network the sums and the starts of operations cost more than
    what is saved.
    """
    d_model, d_mlp, n_heads = architecture.d_model, architecture.d_mlp, architecture.n_heads
    general = d_model * (d_model + 2 * d_mlp + p)
    own = d_mlp * p + 2 * n_heads * (d_mlp + p)
    return own <= LARGEST_SHARE * general and n_pairs * general >= LEAST_WORK


def forward(
    parameters: Parameters, index: PairRows, architecture: Architecture
) -> Float[Tensor, "seed pair token"]:
    """Logits at "=" for the pairs of ``index``: ``addition.forward`` of a network that ``applies``.

    ``mlp_dtype`` is that of the products with W_L, forward and backward.
    """
    p, n_heads = index.p, index.n_heads
    n_seeds, n_pairs = index.pairs.shape[:2]
    W_Q, W_K, W_V, W_O = (parameters[f"blocks.0.attn.W_{letter}"] for letter in "QKVO")
    W_in, b_in, W_out, b_out = (
        parameters[f"blocks.0.mlp.{name}"] for name in ("W_in", "b_in", "W_out", "b_out")
    )
    W_E, W_pos, W_U = (parameters[name] for name in ("embed.W_E", "pos_embed.W_pos", "unembed.W_U"))
    numbers, equals = W_E[:, :p], W_E[:, p:] + W_pos[:, 2:]
    stream = torch.cat([numbers + W_pos[:, :1], numbers + W_pos[:, 1:2], equals], dim=1)

    query = torch.einsum("sd,shde->she", equals[:, 0], W_Q)
    asked = torch.einsum("she,shde->sdh", query, W_K) * architecture.score_scale
    scores = project(stream, asked)  # seed row head
    own = scores[:, :-1].flatten()[index.rows].view(n_seeds, n_pairs, 2, n_heads)
    to_equals = scores[:, None, -1:].expand(-1, n_pairs, -1, -1)
    if architecture.attention == "softmax":
        pattern = torch.cat([own, to_equals], dim=2).softmax(dim=2)[:, :, :2]
        of_equals = torch.ones_like(scores[:, -1])  # the rest of a sum of one: see below
    else:
        pattern, of_equals = own / 3, scores[:, -1] / 3
    pattern = pattern.flatten(2).flatten(0, 1)  # bag row

    value = torch.einsum("srd,shde->shre", stream, W_V)

    def mixed(weights: Float[Tensor, "seed d_model out"], bias: Float[Tensor, "seed out"]):
        """The table and the constants of what ``weights`` read of the stream after attention."""
        table = value @ (W_O @ weights[:, None])  # seed head row out
        rows, last = table[:, :, :-1], table[:, :, -1:]
        if architecture.attention == "softmax":  # weights sum to one: "=" counts as what is left
            rows = rows - last
        constant = torch.einsum("sh,sho->so", of_equals, last[:, :, 0]) + bias
        constant = constant + project(equals, weights)[:, 0]
        return rows.transpose(1, 2).flatten(0, 2), constant

    direct = _Direct.apply(pattern, *mixed(W_U, project(b_out[:, None], W_U)[:, 0]), index)
    dtype = architecture.mlp_dtype or direct.dtype
    W_L = project(W_out, W_U)
    return direct + _ThroughNeurons.apply(pattern, *mixed(W_in, b_in), W_L, index, dtype)
