"""Which network weights are: its task, its sizes, and where what our block lacks can be folded.

Our block has no bias in attention and unembedding. Without LayerNorm all of them fold, exactly:
b_K moves all scores of a query alike; b_V adds b_V W_O, since weights of attention sum to 1; b_O
passes into b_in and b_out; b_Q and b_U are carried by one more coordinate of the stream, which is
1 at every position, through W_pos. What cannot be folded is refused by name.
"""

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import pad

from mechanics.examine.formats import Tensors, WeightsError, in_our_names, read_file
from mechanics.models import addition, regression
from mechanics.models.transformer import architecture, token_d
from mechanics.models.weights import Network
from mechanics.settings import is_odd_prime

ADDITION, REGRESSION = "modular_addition", "linear_regression"


@dataclass(frozen=True)
class Given:
    """What shapes do not tell. ``None``: not given."""

    heads: int | None = None
    attention: str | None = None
    layer_norm: bool = False  # LayerNorm without weights of its own
    relu: bool = False  # whether it is said that the MLP has ReLU
    k_min: int = 5
    k_max: int = 50


@dataclass(frozen=True)
class Understood:
    """A network, and what was read, assumed and folded to have it: (what, how) for a reader."""

    network: Network
    said: dict[str, str] = field(default_factory=dict)


def understand(path: Path, given: Given) -> Understood:
    """Raises WeightsError, with the path, for what is no network of ours and cannot be made one."""
    tensors, about = read_file(path)
    precisions = {str(t.dtype).removeprefix("torch.") for t in tensors.values()}
    try:
        weights, family = in_our_names(tensors, given.heads)
        if family == "nanoGPT" and not given.relu:
            raise WeightsError("nanoGPT's MLP has GELU, our block ReLU: give --relu if that is it")
        said = {"names": family, "numbers": f"{', '.join(sorted(precisions))}, read as float64"}
        settings = sizes(weights, given, about.get("settings", {}), said)
        if settings["task"] == ADDITION:
            weights, settings = fold(cut(weights, settings, said), settings, said)
        expect(weights, settings, said)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error
    stacked = {name: tensor[None].contiguous() for name, tensor in weights.items()}
    seed, step = about.get("seed", 0), about.get("step", 0)
    status = about.get("status", "finished")
    network = Network(settings["task"], path.stem, seed, step, status, settings, stacked)
    return Understood(network, said)


def sizes(weights: Tensors, given: Given, known: dict, said: dict[str, str]) -> dict:
    """The settings of a network, from its shapes; those that this project recorded come first."""
    W_Q, W_U = weights.get("blocks.0.attn.W_Q"), weights.get("unembed.W_U")
    if W_Q is None or W_Q.dim() != 3:
        shape = None if W_Q is None else tuple(W_Q.shape)
        raise WeightsError(f"blocks.0.attn.W_Q: {shape}: expected (head, d_model, d_head)")
    n_heads, d_model, d_head = W_Q.shape
    n_layers = len({name.split(".")[1] for name in weights if name.startswith("blocks.")})
    W_in = weights.get("blocks.0.mlp.W_in")
    is_addition = "pos_embed.W_pos" in weights
    own = {
        "task": ADDITION if is_addition else REGRESSION,
        "attention": given.attention or known.get("attention"),
        **{"n_layers": n_layers, "n_heads": n_heads, "d_model": d_model, "d_head": d_head},
        "d_mlp": 0 if W_in is None else W_in.shape[1],
        "layer_norm": given.layer_norm or "blocks.0.ln1.w" in weights,
        **{"activation_clip": None, "d_max": None, "init_std": None, "subspace": "axis"},
    }
    if is_addition:
        own["p"] = len(weights["embed.W_E"]) - 1
        if not is_odd_prime(own["p"]):
            raise WeightsError(
                f"embed.W_E: {own['p'] + 1} tokens: expected p numbers and =, p an odd prime"
            )
        if W_in is None:
            raise WeightsError("blocks.0.mlp.W_in: absent: expected a network with an MLP")
        if own["attention"] is None:
            own["attention"] = "softmax"
            said["assumed"] = "softmax attention (else --attention linear), ReLU, prompts a b ="
    else:
        embedded = "embed.W_E" in weights
        if embedded and (W_U is None or W_U.shape[1] != 1):
            raise WeightsError(
                "neither task: expected pos_embed.W_pos (addition), or one column of unembed.W_U"
                " or no embedding (regression)"
            )
        if own["attention"] is None:
            raise WeightsError("regression: shapes do not tell the attention; give --attention")
        own["d"] = len(weights["embed.W_E"]) - 2 if embedded else d_model - 1
        own["d_model"] = d_model if embedded else "token"
        own |= {"k_min": given.k_min, "k_max": given.k_max}
        if "k_min" not in known:
            said["assumed"] = f"trained on {given.k_min} to {given.k_max} pairs (--k-min, --k-max)"
    settings = own | known
    size = f"p = {settings['p']}" if is_addition else f"d = {settings['d']}"
    norm = "LayerNorm" if settings["layer_norm"] else "no LayerNorm"
    said["network"] = (
        f"{settings['task'].replace('_', ' ')}, {size}: {n_layers} layer{'s' * (n_layers > 1)} of"
        f" {n_heads} {settings['attention']} head{'s' * (n_heads > 1)}, d_model {d_model}, d_head"
        f" {d_head}, d_mlp {own['d_mlp']}, {norm}"
    )
    return settings


def cut(weights: Tensors, settings: dict, said: dict[str, str]) -> Tensors:
    """Without what prompts "a b =" never use: later positions, and "=" as an answer."""
    weights, p, cuts = dict(weights), settings["p"], []
    for name, axis, size, words in (
        ("pos_embed.W_pos", 0, 3, "positions after the third"),
        ("unembed.W_U", 1, p, "the logit of ="),
        ("unembed.b_U", 0, p, "the logit of ="),
    ):
        more = weights[name].shape[axis] - size if name in weights else 0
        if more > 0 and ((axis == 0 and name.endswith("pos")) or more == 1):
            weights[name] = weights[name].narrow(axis, 0, size)
            cuts.append(words)
    if cuts:
        said["left out"] = " and ".join(dict.fromkeys(cuts))
    return weights


def fold(weights: Tensors, settings: dict, said: dict[str, str]) -> tuple[Tensors, dict]:
    """The same function without biases of attention and unembedding, as far as our block can."""
    weights, layer_norm, folded = dict(weights), settings["layer_norm"], []
    softmax, carried = settings["attention"] == "softmax", {}

    def take(name: str) -> Tensor | None:
        tensor = weights.pop(name, None)
        if tensor is None or not tensor.any():
            return None
        folded.append(name)
        return tensor

    for layer in range(settings["n_layers"]):
        attn, mlp = f"blocks.{layer}.attn", f"blocks.{layer}.mlp"
        if softmax:
            take(f"{attn}.b_K")
        if softmax and not layer_norm and f"{mlp}.W_in" in weights:
            W_in, zero = weights[f"{mlp}.W_in"], torch.zeros((), dtype=torch.float64)
            added = zero
            if (b_V := take(f"{attn}.b_V")) is not None:
                added = torch.einsum("hd,hdm->m", b_V, weights[f"{attn}.W_O"])
            if (b_O := take(f"{attn}.b_O")) is not None:
                added = added + b_O
            if added.dim():
                weights[f"{mlp}.b_in"] = weights.get(f"{mlp}.b_in", zero) + added @ W_in
                weights[f"{mlp}.b_out"] = weights.get(f"{mlp}.b_out", zero) + added
        if not layer_norm and (b_Q := take(f"{attn}.b_Q")) is not None:
            carried[f"{attn}.W_Q"] = b_Q[:, None]
    if not layer_norm and (b_U := take("unembed.b_U")) is not None:
        carried["unembed.W_U"] = b_U[None]
    if carried:
        weights = with_constant_coordinate(weights, carried)
        settings = settings | {"d_model": settings["d_model"] + 1}
    if folded:
        said["folded"] = ", ".join(folded)
    return weights, settings


def with_constant_coordinate(weights: Tensors, carried: Tensors) -> Tensors:
    """One more coordinate of the stream, 1 at every position; matrices read ``carried`` from it."""
    weights = dict(weights)
    for name, tensor in weights.items():
        kind = name.rsplit(".", 1)[-1]
        if kind in ("W_E", "W_pos", "W_O", "W_out", "b_out"):  # they write to the stream
            weights[name] = pad(tensor, (0, 1), value=float(kind == "W_pos"))
        elif kind in ("W_Q", "W_K", "W_V", "W_in", "W_U"):
            row = carried.get(name, torch.zeros_like(tensor[..., :1, :]))
            weights[name] = torch.cat([tensor, row], dim=-2)
    return weights


def expect(weights: Tensors, settings: dict, said: dict[str, str]) -> None:
    """Fill in biases that are not there, drop what is zero; raise WeightsError for all else."""
    own = architecture(settings)
    if settings["task"] == ADDITION:
        expected = addition.parameter_shapes(own, settings["p"])
    else:
        expected = regression.parameter_shapes(own, token_d(settings))
    filled = []
    for name, shape in expected.items():
        kind = name.rsplit(".", 1)[-1]
        if name not in weights and kind in ("b_in", "b_out", "b", "w"):
            fill = torch.ones if kind == "w" else torch.zeros
            weights[name] = fill(shape, dtype=torch.float64)
            filled.append(name)
        if name not in weights or tuple(weights[name].shape) != shape:
            found = tuple(weights[name].shape) if name in weights else "absent"
            raise WeightsError(f"{name}: {found}: expected {shape}, by the other shapes")
    for name in weights.keys() - expected.keys():
        if weights[name].any():
            raise WeightsError(
                f"{name}: not zero, and our block, with "
                f"{'LayerNorm' if own.layer_norm else own.attention + ' attention'}, has no place"
                " for it: what it does would be left out"
            )
        del weights[name]
    if filled:
        said["taken as absent"] = ", ".join(filled)
