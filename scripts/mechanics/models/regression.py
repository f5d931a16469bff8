"""The Transformer that reads (x_1, y_1) … (x_k, y_k), x_test and predicts y_test.

Tokens are [x_i; y_i], the query token is [x_test; 0]. Every token attends to the k context tokens
and to nothing else, so test points do not see each other and one prompt may carry several.
There are no positions: the context is a set.

Without embedding (``embedded=False``) the residual stream is the token itself and the prediction
is minus its last coordinate: the construction of von Oswald et al. 2023, in which a linear layer
can be a step of gradient descent. Every layer then subtracts the step's prediction from y, of the
context as of the query, whose y starts at 0. With embedding, tokens carry a flag that marks the
query.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mechanics.models.attention import attention_pattern, join_heads, project, split_heads
from mechanics.models.prompts import Prompts
from mechanics.models.transformer import (
    Architecture,
    architecture,
    block_shapes,
    initial_weights,
    mlp,
    normalise,
    run_blocks,
    token_d,
)

Parameters = dict[str, Tensor]


def parameter_shapes(architecture: Architecture, d: int) -> dict[str, tuple[int, ...]]:
    """Name and shape (without the seed dimension) of every weight, in a fixed order."""
    shapes: dict[str, tuple[int, ...]] = {}
    if architecture.embedded:
        shapes["embed.W_E"] = (d + 2, architecture.d_model)
    for layer in range(architecture.n_layers):
        shapes |= block_shapes(architecture, layer)
    if architecture.layer_norm:
        shapes |= {"ln_final.w": (architecture.d_model,), "ln_final.b": (architecture.d_model,)}
    if architecture.embedded:
        shapes["unembed.W_U"] = (architecture.d_model, 1)
    return shapes


def initial(settings: dict, seed: int) -> Parameters:
    """The first weights of one replica (without a seed dimension), a pure function of its seed."""
    network = architecture(settings)
    shapes = parameter_shapes(network, token_d(settings))
    return initial_weights(shapes, settings, network.d_model, seed)


def tokens(
    prompts: Prompts, query_flag: bool, y_scale: float = 1.0
) -> Float[Tensor, "seed prompt position token"]:
    """Context tokens [x; y] followed by query tokens [x_test; 0], with a flag if asked for."""
    y = prompts.y if y_scale == 1.0 else prompts.y * y_scale
    context = torch.cat([prompts.x, y[..., None]], dim=-1)
    query = torch.nn.functional.pad(prompts.x_test, (0, 1))
    if query_flag:
        context = torch.nn.functional.pad(context, (0, 1))
        query = torch.nn.functional.pad(query, (0, 1), value=1.0)
    return torch.cat([context, query], dim=-2)


def attend(
    query_stream: Float[Tensor, "seed prompt query d_model"],
    context_stream: Float[Tensor, "seed prompt k d_model"],
    parameters: Parameters,
    layer: int,
    architecture: Architecture,
    mask: Bool[Tensor, "seed prompt k"] | None = None,
) -> Float[Tensor, "seed prompt query d_model"]:
    """What attention of one layer adds to the streams that attend to the context.

    Without softmax the sum over the context comes first, (Q Kᵀ) V = Q (Kᵀ V), which spares the
    query-by-key matrix; a test holds it equal to summing with ``attention_pattern``.
    """
    name = f"blocks.{layer}.attn"
    query = split_heads(query_stream, parameters[f"{name}.W_Q"]).transpose(-2, -3)
    key = split_heads(context_stream, parameters[f"{name}.W_K"]).transpose(-2, -3)
    value = split_heads(context_stream, parameters[f"{name}.W_V"]).transpose(-2, -3)
    if architecture.attention == "linear":
        n_keys = key.shape[-2] + architecture.zero_tokens
        if mask is not None:
            value = value * mask[:, :, None, :, None]
            n_keys = mask.sum(-1)[:, :, None, None, None] + architecture.zero_tokens
        mixed = query @ (key.transpose(-1, -2) @ value) * architecture.score_scale / n_keys
    else:
        scores = query @ key.transpose(-1, -2) * architecture.score_scale
        visible = None if mask is None else mask[:, :, None, None, :]
        mixed = attention_pattern(scores, architecture.attention, visible) @ value
    return join_heads(mixed.transpose(-2, -3), parameters[f"{name}.W_O"])


def attend_to_moments(
    query_stream: Float[Tensor, "seed prompt query token"],
    context: Float[Tensor, "seed prompt k token"],
    parameters: Parameters,
    architecture: Architecture,
    mask: Bool[Tensor, "seed prompt k"] | None = None,
) -> Float[Tensor, "seed prompt query token"]:
    """``attend`` of a first linear layer on the tokens themselves, through Σ z zᵀ / k.

    Kᵀ V = W_Kᵀ (Σ z zᵀ) W_V: the context enters by its second moments alone, d + 1 rows in the
    place of k, and no gradient runs through the tokens. Masked tokens must be zero.
    """
    n_context = context.shape[-2] if mask is None else mask.sum(-1)[:, :, None, None]
    moments = context.transpose(-1, -2) @ context / (n_context + architecture.zero_tokens)
    W_Q, W_K, W_V = (parameters[f"blocks.0.attn.W_{letter}"] for letter in "QKV")
    W_QK = W_Q @ W_K.transpose(-1, -2) * architecture.score_scale  # seed head token token
    asked = torch.einsum("spqt,shtu->spqhu", query_stream, W_QK)
    scores = asked.flatten(2, 3) @ moments  # seed prompt (query head) token
    mixed = torch.einsum("spqht,shtd->spqhd", scores.view_as(asked), W_V)
    return join_heads(mixed, parameters["blocks.0.attn.W_O"])


def forward(
    parameters: Parameters, prompts: Prompts, architecture: Architecture
) -> Float[Tensor, "seed prompt query"]:
    """Predictions ŷ for the test points of every prompt."""
    n_context = prompts.x.shape[-2]
    mask = prompts.mask
    stream = tokens(prompts, architecture.embedded, architecture.y_scale)
    if architecture.embedded:
        stream = project(stream, parameters["embed.W_E"])
    for layer in range(architecture.n_layers):
        normed = normalise(stream, parameters, f"blocks.{layer}.ln1", architecture)
        context = normed[..., :n_context, :]
        if layer == architecture.n_layers - 1:  # only the query tokens are read
            stream, normed = stream[..., n_context:, :], normed[..., n_context:, :]
        if layer == 0 and architecture.attention == "linear" and not architecture.embedded:
            attended = attend_to_moments(normed, context, parameters, architecture, mask)
        else:
            attended = attend(normed, context, parameters, layer, architecture, mask)
        stream = stream + attended if architecture.skips else attended
        if architecture.d_mlp:
            added = mlp(stream, parameters, layer, architecture)
            stream = stream + added if architecture.skips else added
        if architecture.activation_clip is not None:
            stream = stream.clamp(-architecture.activation_clip, architecture.activation_clip)
    return read_out(stream, parameters, architecture)


def run(
    parameters: Parameters,
    prompts: Prompts,
    architecture: Architecture,
    cache: dict[str, Tensor] | None = None,
    skips: bool = True,
    mlps: bool = True,
) -> Float[Tensor, "seed prompt query"]:
    """``forward`` through the common blocks, which keep what passes in ``cache`` (``run_blocks``).

    Positions are the k context tokens, then the query tokens; keys are the context tokens. Without
    skips or MLPs the network is another one: what it then predicts is ablated.
    """
    n_context = prompts.x.shape[-2]
    stream = tokens(prompts, architecture.embedded, architecture.y_scale)
    if architecture.embedded:
        stream = project(stream, parameters["embed.W_E"])
    visible = torch.ones(1, n_context, dtype=torch.bool, device=stream.device)
    if prompts.mask is not None:
        visible = prompts.mask[:, :, None, None, :]
    stream = run_blocks(stream, parameters, architecture, visible, cache, skips, mlps)
    return read_out(stream[..., n_context:, :], parameters, architecture)


def read_out(
    stream: Float[Tensor, "seed prompt position d_model"],
    parameters: Parameters,
    architecture: Architecture,
) -> Float[Tensor, "seed prompt position"]:
    """What the network's last step makes of a stream: ŷ for the query positions.

    It is the final LayerNorm and unembedding, or minus the last coordinate of a token without
    embedding, over ``y_scale``. Given the stream of an earlier layer it is what that layer would
    have predicted.
    """
    if not architecture.embedded:
        return stream[..., -1] / -architecture.y_scale
    final = normalise(stream, parameters, "ln_final", architecture)
    return project(final, parameters["unembed.W_U"])[..., 0] / architecture.y_scale
