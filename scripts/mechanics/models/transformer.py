"""What the blocks of both networks share: architecture, LayerNorm, MLP, initial weights."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import relu

from mechanics.models.attention import Kind, project
from mechanics.runtime.seeds import generator

LAYER_NORM_EPSILON = 1e-5


@dataclass(frozen=True)
class Architecture:
    """Size and kind of a network. ``d_mlp = 0`` leaves the MLPs out.

    ``embedded=False`` (regression only) makes the stream the token itself, without W_E and W_U.
    ``activation_clip`` bounds the stream after each layer to ±clip (``None``: not at all); deep
    linear attention needs it, because each layer triples the degree of its output. ``mlp_dtype``
    is that of the MLP's matrix products, forward and backward (``None``: that of the weights).
    """

    attention: Kind
    n_layers: int
    n_heads: int
    d_model: int
    d_head: int
    d_mlp: int
    layer_norm: bool
    embedded: bool = True
    activation_clip: float | None = None
    mlp_dtype: torch.dtype | None = None

    @property
    def score_scale(self) -> float:
        return self.d_head**-0.5


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
) -> Float[Tensor, "seed *rows d_model"]:
    """What the ReLU MLP of a block adds to the stream."""
    name = f"blocks.{layer}"
    normed = normalise(stream, parameters, f"{name}.ln2", architecture)
    dtype = architecture.mlp_dtype or stream.dtype
    weights = [parameters[f"{name}.mlp.{key}"] for key in ("W_in", "b_in", "W_out", "b_out")]
    W_in, b_in, W_out, b_out = (weight.to(dtype) for weight in weights)
    hidden = relu(project(normed.to(dtype), W_in, b_in))
    return project(hidden, W_out, b_out).to(stream.dtype)


def architecture(settings: dict) -> Architecture:
    """The network of a run. A regression network without embedding has one d_model: d + 1."""
    model = {key: settings[key] for key in ("attention", "n_layers", "n_heads", "d_mlp")}
    d_model, embedded = settings["d_model"], settings["d_model"] != "token"
    if not embedded:
        d_model = token_d(settings) + 1
    return Architecture(
        **model,
        d_model=d_model,
        d_head=d_model // settings["n_heads"] if embedded else d_model,
        layer_norm=settings["layer_norm"],
        embedded=embedded,
        activation_clip=settings["activation_clip"],
    )


def token_d(settings: dict) -> int:
    """Dimensions of x in a token: d, or ``d_max`` where x lies in a subspace of more of them."""
    return settings["d_max"] or settings["d"]


def initial_weights(shapes: dict, settings: dict, d_model: int, seed: int) -> dict[str, Tensor]:
    """The first weights of one replica, a pure function of its seed."""
    std = settings["init_std"] or d_model**-0.5
    return initialise(shapes, std, generator("init", seed))
