"""The Transformer of both tracks: its settings, its first weights, and its blocks with a cache.

``run_blocks`` computes every position and can keep what passes; whatever looks inside a network
uses it. Training has shortcuts of its own (``addition.forward``, ``regression.forward``), which
tests hold equal to it.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import relu

from mechanics.models.attention import (
    Kind,
    attention_pattern,
    join_heads,
    project,
    split_heads,
)
from mechanics.runtime.seeds import generator

LAYER_NORM_EPSILON = 1e-5


@dataclass(frozen=True)
class Architecture:
    """Size and kind of a network. ``d_mlp = 0`` leaves the MLPs out.

    ``embedded=False`` (regression only) makes the stream the token itself, without W_E and W_U.
    ``zero_tokens`` join the keys of linear attention (``attention_pattern``). Tokens carry
    ``y_scale`` times y, and the prediction is divided by it. ``mlp_dtype`` is that of the MLP's
    matrix products, forward and backward (``None``: that of the weights). Without ``skips`` a
    layer passes on what attention and MLP return, not added to what they read. ``negates_b``
    (addition only) gives it −b for b: one that subtracts then adds.
    """

    attention: Kind
    n_layers: int
    n_heads: int
    d_model: int
    d_head: int
    d_mlp: int
    layer_norm: bool
    embedded: bool = True
    mlp_dtype: torch.dtype | None = None
    zero_tokens: int = 0
    y_scale: float = 1.0
    skips: bool = True
    negates_b: bool = False

    @property
    def score_scale(self) -> float:
        return self.d_head**-0.5

    @property
    def reads_neurons_directly(self) -> bool:
        """Whether W_L = W_out W_U says what the neurons do: one layer without LayerNorm."""
        return self.n_layers == 1 and not self.layer_norm


def block_shapes(architecture: Architecture, layer: int) -> dict[str, tuple[int, ...]]:
    """Name and shape (without the seed dimension) of the weights of one block."""
    n_heads, d_model, d_head = architecture.n_heads, architecture.d_model, architecture.d_head
    d_mlp, name = architecture.d_mlp, f"blocks.{layer}"
    shapes: dict[str, tuple[int, ...]] = {}
    if architecture.layer_norm:
        shapes |= {f"{name}.ln1.w": (d_model,), f"{name}.ln1.b": (d_model,)}
    shapes |= {f"{name}.attn.W_{letter}": (n_heads, d_model, d_head) for letter in "QKV"}
    shapes[f"{name}.attn.W_O"] = (n_heads, d_head, d_model)
    if d_mlp:
        if architecture.layer_norm:
            shapes |= {f"{name}.ln2.w": (d_model,), f"{name}.ln2.b": (d_model,)}
        shapes |= {f"{name}.mlp.W_in": (d_model, d_mlp), f"{name}.mlp.b_in": (d_mlp,)}
        shapes |= {f"{name}.mlp.W_out": (d_mlp, d_model), f"{name}.mlp.b_out": (d_model,)}
    return shapes


def initialise(
    shapes: dict[str, tuple[int, ...]], std: float, generator: torch.Generator
) -> dict[str, Float[Tensor, "..."]]:
    """Weights of one replica: N(0, std²) matrices, zero biases, LayerNorm at the identity."""
    parameters = {}
    for name, shape in shapes.items():
        kind = name.rsplit(".", 1)[-1]
        if kind.startswith("W"):
            parameters[name] = std * torch.randn(shape, generator=generator)
        else:
            parameters[name] = torch.ones(shape) if kind == "w" else torch.zeros(shape)
    return parameters


def normalise(
    stream: Float[Tensor, "seed *rows d_model"],
    parameters: dict[str, Tensor],
    name: str,
    architecture: Architecture,
) -> Float[Tensor, "seed *rows d_model"]:
    """LayerNorm with the weights ``{name}.w`` and ``{name}.b``, or nothing without LayerNorm."""
    if not architecture.layer_norm:
        return stream
    shape = (stream.shape[0],) + (1,) * (stream.dim() - 2) + (stream.shape[-1],)
    standard = torch.nn.functional.layer_norm(stream, stream.shape[-1:], eps=LAYER_NORM_EPSILON)
    return standard * parameters[f"{name}.w"].view(shape) + parameters[f"{name}.b"].view(shape)


def mlp(
    stream: Float[Tensor, "seed *rows d_model"],
    parameters: dict[str, Tensor],
    layer: int,
    architecture: Architecture,
    cache: dict[str, Tensor] | None = None,
) -> Float[Tensor, "seed *rows d_model"]:
    """What the ReLU MLP of a block adds to the stream."""
    name = f"blocks.{layer}"
    normed = normalise(stream, parameters, f"{name}.ln2", architecture)
    dtype = architecture.mlp_dtype or stream.dtype
    weights = [parameters[f"{name}.mlp.{key}"] for key in ("W_in", "b_in", "W_out", "b_out")]
    W_in, b_in, W_out, b_out = (weight.to(dtype) for weight in weights)
    hidden = relu(project(normed.to(dtype), W_in, b_in))
    if cache is not None:
        cache[f"{name}.mlp.hook_post"] = hidden
    return project(hidden, W_out, b_out).to(stream.dtype)


def run_blocks(
    stream: Float[Tensor, "seed batch position d_model"],
    parameters: dict[str, Tensor],
    architecture: Architecture,
    visible: Bool[Tensor, "*#batch #position key"],
    cache: dict[str, Tensor] | None = None,
    skips: bool = True,
    mlps: bool = True,
    first: int = 0,
) -> Float[Tensor, "seed batch position d_model"]:
    """The stream after all blocks, every position computed by itself.

    ``visible`` says which keys a position attends to, for scores [seed batch head position key];
    the keys are the first positions. What passes is kept in ``cache`` under TransformerLens's
    names, of layer l: ``blocks.{l}.hook_resid_pre``, ``.attn.hook_pattern`` (probabilities, or
    linear scores over the number of keys), ``.hook_attn_out``, ``.mlp.hook_post``,
    ``.hook_mlp_out`` and ``.hook_resid_post``. ``skips=False`` passes on what attention and MLP
    return without adding it to the stream that they read, ``mlps=False`` leaves the MLPs out, as
    Dong et al. 2021, "Attention is not all you need", do to trained networks. ``first``: the
    layer that reads ``stream``.
    """

    def keep(name: str, tensor: Tensor) -> Tensor:
        if cache is not None:
            cache[name] = tensor
        return tensor

    n_keys, skips = visible.shape[-1], skips and architecture.skips
    for layer in range(first, architecture.n_layers):
        name = f"blocks.{layer}"
        keep(f"{name}.hook_resid_pre", stream)
        normed = normalise(stream, parameters, f"{name}.ln1", architecture)
        query = split_heads(normed, parameters[f"{name}.attn.W_Q"]).transpose(-2, -3)
        key, value = (
            split_heads(normed[..., :n_keys, :], parameters[f"{name}.attn.W_{letter}"])
            for letter in "KV"
        )
        scores = query @ key.transpose(-2, -3).mT * architecture.score_scale
        pattern = attention_pattern(
            scores, architecture.attention, visible, architecture.zero_tokens
        )
        keep(f"{name}.attn.hook_pattern", pattern)
        mixed = (pattern @ value.transpose(-2, -3)).transpose(-2, -3)
        added = keep(f"{name}.hook_attn_out", join_heads(mixed, parameters[f"{name}.attn.W_O"]))
        stream = stream + added if skips else added
        if mlps and architecture.d_mlp:
            added = mlp(stream, parameters, layer, architecture, cache)
            keep(f"{name}.hook_mlp_out", added)
            stream = stream + added if skips else added
        keep(f"{name}.hook_resid_post", stream)
    return stream


def architecture(settings: dict) -> Architecture:
    """The network of a run. A regression network without embedding has one d_model: d + 1."""
    model = {key: settings[key] for key in ("attention", "n_layers", "n_heads", "d_mlp")}
    d_model, embedded = settings["d_model"], settings["d_model"] != "token"
    if not embedded:
        d_model = token_d(settings) + 1
    return Architecture(
        **model,
        d_model=d_model,
        d_head=settings.get("d_head") or (d_model // settings["n_heads"] if embedded else d_model),
        layer_norm=settings["layer_norm"],
        embedded=embedded,
        skips=settings.get("skip_connections", True),
        negates_b=settings.get("negates_b", False),
        **(standard_tokens(settings["d"]) if settings.get("standard_tokens") else {}),
    )


def standard_tokens(d: int) -> dict[str, int | float]:
    """Parts of an architecture whose layers see eigenvalues that hardly depend on k.

    Tokens carry y of variance 1, and S = XᵀX/(k + d + 1) has E[S²] = E[S]: one step of size 1 is
    the best at every k.
    """
    return {"zero_tokens": d + 1, "y_scale": d**-0.5}


def token_d(settings: dict) -> int:
    """Dimensions of x in a token: d, or ``d_max`` where x lies in a subspace of more of them."""
    return settings["d_max"] or settings["d"]


def initial_weights(shapes: dict, settings: dict, d_model: int, seed: int) -> dict[str, Tensor]:
    """The first weights of one replica, a pure function of its seed."""
    std = settings["init_std"] or d_model**-0.5
    return initialise(shapes, std, generator("init", seed))
