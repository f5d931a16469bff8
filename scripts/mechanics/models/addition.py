"""The Transformer that reads "a b =" and predicts (a + b) mod p, or another ``operation``.

Embedding with learned positions, ``n_layers`` causal blocks (attention of either kind, ReLU MLP,
optional LayerNorm before each), no bias in the unembedding. With one layer and no LayerNorm it is
the network of Nanda et al. 2023, "Progress measures for grokking via mechanistic interpretability".

``forward`` reads the logits at "=" only and computes every quantity once per *distinct* row:
position 0 depends on ``a`` alone (p rows), and in the first layer keys and values depend on one
token each. ``run`` is the same network through the common blocks; a test holds the two equal.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mechanics.models.attention import attention_pattern, join_heads, project, split_heads
from mechanics.models.transformer import (
    LAYER_NORM_EPSILON,
    Architecture,
    block_shapes,
    mlp,
    normalise,
    run_blocks,
)

Parameters = dict[str, Tensor]


def parameter_shapes(architecture: Architecture, p: int) -> dict[str, tuple[int, ...]]:
    """Name and shape (without the seed dimension) of every weight, in a fixed order."""
    d_model = architecture.d_model
    shapes = {"embed.W_E": (p + 1, d_model), "pos_embed.W_pos": (3, d_model)}
    for layer in range(architecture.n_layers):
        shapes |= block_shapes(architecture, layer)
    if architecture.layer_norm:
        shapes |= {"ln_final.w": (d_model,), "ln_final.b": (d_model,)}
    return shapes | {"unembed.W_U": (d_model, p)}


def lens_settings(architecture: Architecture, p: int) -> dict[str, int | float | str | None]:
    """The network in the words of TransformerLens's configs, of version 3 as of version 4.

    Attention's scale keeps its default there, which is ours. Of softmax attention only.
    """
    sizes = {key: getattr(architecture, key) for key in ("n_layers", "n_heads", "d_model")}
    return {
        **sizes,
        **{"d_head": architecture.d_head, "d_mlp": architecture.d_mlp, "act_fn": "relu"},
        "normalization_type": "LN" if architecture.layer_norm else None,
        **{"eps": LAYER_NORM_EPSILON, "d_vocab": p + 1, "d_vocab_out": p, "n_ctx": 3},
    }


@dataclass
class Rows:
    """A quantity of every pair, stored once per distinct row.

    ``index`` says which row belongs to which pair; ``None`` means that the rows are the pairs
    themselves, or one row that all pairs share.
    """

    rows: Float[Tensor, "seed row *features"]
    index: Int[Tensor, "seed pair"] | None

    def per_pair(self) -> Float[Tensor, "seed pair *features"]:
        if self.index is None:
            return self.rows
        n_seeds, n_rows = self.rows.shape[:2]
        offset = torch.arange(n_seeds, device=self.index.device)[:, None] * n_rows
        gathered = self.rows.flatten(0, 1).index_select(0, (self.index + offset).flatten())
        return gathered.unflatten(0, self.index.shape)

    def map(self, function) -> "Rows":
        return Rows(function(self.rows), self.index)


def scores_between(query: Rows, key: Rows, scale: float) -> Rows:
    """Per-head products of queries and keys, on as few rows as the two share."""
    if query.index is key.index or query.rows.shape[1] == 1:
        return Rows((query.rows * key.rows).sum(-1) * scale, key.index)
    return Rows((query.per_pair() * key.per_pair()).sum(-1) * scale, None)


def read(
    pairs: Int[Tensor, "*batch pair 2"], architecture: Architecture, p: int
) -> Int[Tensor, "*batch pair 2"]:
    """The numbers that a network is given for a and b."""
    if not architecture.negates_b:
        return pairs
    a, b = pairs.unbind(-1)
    return torch.stack([a, -b % p], dim=-1)


def forward(
    parameters: Parameters,
    pairs: Int[Tensor, "seed pair 2"],
    architecture: Architecture,
    cache: dict[str, Tensor] | None = None,
) -> Float[Tensor, "seed pair token"]:
    """Logits at "=" for each pair (a, b).

    ``cache`` keeps what is at "=", under the names that ``run`` has for it: of each layer the
    pattern, ``hook_attn_out``, ``mlp.hook_post`` and ``hook_mlp_out``.
    """
    W_E, W_pos = parameters["embed.W_E"], parameters["pos_embed.W_pos"]
    a, b = read(pairs, architecture, W_E.shape[1] - 1).unbind(-1)
    streams = [
        Rows(W_E[:, :-1] + W_pos[:, 0:1], a),
        Rows(W_E[:, :-1] + W_pos[:, 1:2], b),
        Rows(W_E[:, -1:] + W_pos[:, 2:3], None),
    ]
    for layer in range(architecture.n_layers):
        last = layer == architecture.n_layers - 1
        streams = _collapsed_block(parameters, streams, layer, architecture, last, cache)
    final = normalise(streams[-1].rows, parameters, "ln_final", architecture)
    return project(final, parameters["unembed.W_U"])


def _collapsed_block(parameters, streams, layer, architecture, only_last, cache) -> list[Rows]:
    """The streams after one block: of all three positions, or of "=" alone."""
    name = f"blocks.{layer}"
    normed = [
        s.map(lambda rows: normalise(rows, parameters, f"{name}.ln1", architecture))
        for s in streams
    ]
    keys = [s.map(lambda rows: split_heads(rows, parameters[f"{name}.attn.W_K"])) for s in normed]
    values = [s.map(lambda rows: split_heads(rows, parameters[f"{name}.attn.W_V"])) for s in normed]
    result = []
    for position in [2] if only_last else [0, 1, 2]:
        query = normed[position].map(lambda rows: split_heads(rows, parameters[f"{name}.attn.W_Q"]))
        scores = [
            scores_between(query, key, architecture.score_scale) for key in keys[: position + 1]
        ]
        visible = values[: position + 1]
        if position == 0:  # attends to itself alone, so it stays a function of a
            index, stream = streams[0].index, streams[0].rows
            scores, visible = [scores[0].rows], [visible[0].rows]
        else:
            index, stream = None, streams[position].per_pair()
            scores = [score.per_pair() for score in scores]
            visible = [value.per_pair() for value in visible]
        scores = torch.stack(torch.broadcast_tensors(*scores), dim=-1)  # seed row head key
        pattern = attention_pattern(scores, architecture.attention)
        mixed = sum(pattern[..., j, None] * value for j, value in enumerate(visible))
        attn_out = join_heads(mixed, parameters[f"{name}.attn.W_O"])
        stream = stream + attn_out
        mlp_out = mlp(stream, parameters, layer, architecture, cache)
        if cache is not None and position == 2:
            cache[f"{name}.attn.hook_pattern"] = pattern
            cache |= {f"{name}.hook_attn_out": attn_out, f"{name}.hook_mlp_out": mlp_out}
        result.append(Rows(stream + mlp_out, index))
    return result


def run(
    parameters: Parameters,
    pairs: Int[Tensor, "seed pair 2"],
    architecture: Architecture,
    cache: dict[str, Tensor] | None = None,
) -> Float[Tensor, "seed pair 3 token"]:
    """Logits at all three positions; what passes is kept in ``cache`` (``run_blocks``)."""
    W_E = parameters["embed.W_E"]
    pairs = read(pairs, architecture, W_E.shape[1] - 1)
    equals = torch.full_like(pairs[..., :1], W_E.shape[1] - 1)
    one_hot = torch.nn.functional.one_hot(torch.cat([pairs, equals], dim=-1), W_E.shape[1])
    stream = torch.einsum("spnt,std->spnd", one_hot.to(W_E.dtype), W_E)
    stream = stream + parameters["pos_embed.W_pos"][:, None]
    return run_from(stream, parameters, architecture, 0, cache)


def run_from(
    stream: Float[Tensor, "seed pair 3 d_model"],
    parameters: Parameters,
    architecture: Architecture,
    first: int,
    cache: dict[str, Tensor] | None = None,
) -> Float[Tensor, "seed pair 3 token"]:
    """``run``, of a stream that the first layers have passed on: ``first`` of them."""
    causal = torch.ones(3, 3, dtype=torch.bool, device=stream.device).tril()
    stream = run_blocks(stream, parameters, architecture, causal, cache, first=first)
    final = normalise(stream, parameters, "ln_final", architecture)
    return project(final, parameters["unembed.W_U"])
