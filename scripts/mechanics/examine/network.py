"""Which network weights are: its task, its sizes, and where what our block lacks can be folded.

Our block has no bias in attention and unembedding. Without LayerNorm all of them fold, exactly:
b_K moves all scores of a query alike; b_V adds b_V W_O, since weights of attention sum to 1; b_O
passes into b_in and b_out; b_Q and b_U are carried by one more coordinate of the stream, which is
1 at every position, through W_pos. What cannot be folded is refused by name.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import pad

from mechanics.examine.formats import FAMILIES, Tensors, WeightsError, in_our_names, read_file
from mechanics.models import addition, regression
from mechanics.models.transformer import architecture, token_d
from mechanics.models.weights import Network
from mechanics.settings import is_odd_prime

OPERATIONS = {
    "add": "(a + b) mod {p}",
    "subtract": "(a − b) mod {p}, examined as the sum of a and −b",
    "multiply": "(a · b) mod {p} without 0, examined as the sum of discrete logarithms",
}
ADDITION, REGRESSION = "modular_addition", "linear_regression"


@dataclass(frozen=True)
class Given:
    """What shapes do not tell. ``None``: not given."""

    heads: int | None = None
    attention: str | None = None
    layer_norm: bool = False  # LayerNorm without weights of its own
    operation: str | None = None  # of an addition network
    k_min: int = 5
    k_max: int = 50


@dataclass(frozen=True)
class Understood:
    """A network, and what was read, assumed and folded to have it: (what, how) for a reader."""

    network: Network
    said: dict[str, str]


def understand(path: Path, given: Given, stated: dict | None = None) -> Understood:
    """Raises WeightsError, with the path, for what is no network of ours and cannot be made one,
    or has other settings than those ``stated``."""
    tensors, about = read_file(path)
    precisions = {str(t.dtype).removeprefix("torch.") for t in tensors.values()}
    try:
        weights, family = in_our_names(tensors, given.heads)
        said = {
            "names": FAMILIES[family],
            "numbers": f"{', '.join(sorted(precisions))}, read as float64",
        }
        settings = sizes(weights, given, about.get("settings", {}), said)
        found = settings | {"format": family}
        for key, value in (stated or {}).items():
            if found[key] != value:
                raise WeightsError(f"{key} = {found[key]}: expected {value}, as is stated")
        if settings["task"] == ADDITION:
            cut(weights, settings, said)
        expect(weights, settings, said)
        if settings["task"] == ADDITION:
            weights, settings = fold(weights, settings, said)
        weights = without_rest(weights, settings)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error
    stacked = {name: tensor[None].contiguous() for name, tensor in weights.items()}
    run = [about.get(*own) for own in (("seed", 0), ("step", 0), ("status", "finished"))]
    network = Network(settings["task"], path.stem, *run, settings, stacked)
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
        own["p"] = modulus(weights)
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
        if not 1 <= given.k_min <= given.k_max:
            raise WeightsError(f"k = {given.k_min} to {given.k_max}: expected 1 <= k_min <= k_max")
        if "k_min" not in known:
            said["assumed"] = f"trained on {given.k_min} to {given.k_max} pairs (--k-min, --k-max)"
    agree(own, known, given)
    settings = own | known
    if is_addition:
        settings |= {"operation": given.operation} if given.operation else {}
        said["operation"] = OPERATIONS[settings.get("operation", "add")].format(p=settings["p"])
    size = f"p = {settings['p']}" if is_addition else f"d = {settings['d']}"
    norm = "LayerNorm" if settings["layer_norm"] else "no LayerNorm"
    said["network"] = (
        f"{settings['task'].replace('_', ' ')}, {size}: {n_layers} layer{'s' * (n_layers > 1)} of"
        f" {n_heads} {settings['attention']} head{'s' * (n_heads > 1)}, d_model {d_model}, d_head"
        f" {d_head}, d_mlp {own['d_mlp']}, {norm}"
    )
    return settings


def modulus(weights: Tensors) -> int:
    """p. Raises WeightsError for what is no addition network that can be measured."""
    if "embed.W_E" not in weights:
        raise WeightsError("embed.W_E: absent: expected (p + 1, d_model), with pos_embed.W_pos")
    n_tokens, d_model = weights["embed.W_E"].shape
    if not is_odd_prime(n_tokens - 1):
        raise WeightsError(
            f"embed.W_E: {n_tokens} tokens: expected p numbers and =, p an odd prime"
        )
    if d_model < 2:
        raise WeightsError(f"embed.W_E: d_model {d_model}: expected 2 or more, as a circle has")
    if "blocks.0.mlp.W_in" not in weights:
        raise WeightsError("blocks.0.mlp.W_in: absent: expected a network with an MLP")
    return n_tokens - 1


def agree(own: dict, known: dict, given: Given) -> None:
    """Raises WeightsError where the file's metadata, or an option, says otherwise than the file."""
    possible = {"attention": ["softmax", "linear"], "operation": [*OPERATIONS]}
    sizes = ("task", "n_layers", "n_heads", "d_model", "d_mlp", "p")
    possible |= {key: [own[key]] for key in sizes if key in own}
    for key, values in possible.items():
        if known.get(key, values[0]) not in values:
            words = " or ".join(map(str, values))
            raise WeightsError(f"{key} = {known[key]!r} in its metadata: expected {words}")
    settings = own | known
    options = {"n_heads": given.heads, "attention": given.attention}
    options |= {"layer_norm": given.layer_norm or None}
    for key, value in options.items():
        if value is not None and settings[key] != value:
            raise WeightsError(f"{key} = {settings[key]}: expected {value}, as is given")
    if given.operation and own["task"] != ADDITION:
        raise WeightsError(f"task = {own['task']}: expected no --operation")


def cut(weights: Tensors, settings: dict, said: dict[str, str]) -> None:
    """Leave out what prompts "a b =" never use: later positions, and "=" as an answer."""
    W_pos, p = weights["pos_embed.W_pos"], settings["p"]
    if len(W_pos) > 3:
        weights["pos_embed.W_pos"] = W_pos[:3]
        said["left out"] = "positions after the third"
    for name in ("unembed.W_U", "unembed.b_U"):
        if name in weights and weights[name].shape[-1] == p + 1:
            weights[name] = weights[name][..., :p]
            said["answers"] = "numbers; the logit of = is left out"


def expect(weights: Tensors, settings: dict, said: dict[str, str]) -> None:
    """Fill in biases that are not there. Raises WeightsError for any other shape than expected."""
    own, biases = architecture(settings), {}
    if settings["task"] == ADDITION:
        expected = addition.parameter_shapes(own, settings["p"])
        biases = {"unembed.b_U": (settings["p"],)}
        for layer in range(own.n_layers):
            attn, one = f"blocks.{layer}.attn", (own.n_heads, own.d_head)
            biases |= {f"{attn}.b_{letter}": one for letter in "QKV"}
            biases[f"{attn}.b_O"] = (own.d_model,)
    else:
        expected = regression.parameter_shapes(own, token_d(settings))
    filled = []
    for name, shape in (expected | biases).items():
        kind = name.rsplit(".", 1)[-1]
        if name not in weights and kind.startswith(("b", "w")):
            weights[name] = torch.full(shape, float(kind == "w"), dtype=torch.float64)
            filled += [name] if name in expected else []
        found = tuple(weights[name].shape) if name in weights else "absent"
        if found != shape:
            raise WeightsError(f"{name}: {found}: expected {shape}, by the other shapes")
    if filled:
        said["absent"] = f"{', '.join(filled)}: taken as that which does nothing"


def fold(weights: Tensors, settings: dict, said: dict[str, str]) -> tuple[Tensors, dict]:
    """The same function without biases of attention and unembedding, as far as our block can."""
    softmax, plain = settings["attention"] == "softmax", not settings["layer_norm"]
    weights, folded, carried = dict(weights), [], {}

    def take(name: str, can: bool) -> Tensor:
        """The bias, which is then no longer there; zeros if it must stay."""
        bias = weights[name]
        if can and bias.any():
            folded.append(name)
            weights[name] = torch.zeros_like(bias)
        return bias if can else torch.zeros_like(bias)

    for layer in range(settings["n_layers"]):
        attn, mlp = f"blocks.{layer}.attn", f"blocks.{layer}.mlp"
        take(f"{attn}.b_K", softmax)
        b_V, b_O = take(f"{attn}.b_V", softmax and plain), take(f"{attn}.b_O", plain)
        added = torch.einsum("hd,hdm->m", b_V, weights[f"{attn}.W_O"]) + b_O
        weights[f"{mlp}.b_in"] = weights[f"{mlp}.b_in"] + added @ weights[f"{mlp}.W_in"]
        weights[f"{mlp}.b_out"] = weights[f"{mlp}.b_out"] + added
        carried[f"{attn}.W_Q"] = take(f"{attn}.b_Q", plain)[:, None]
    carried["unembed.W_U"] = take("unembed.b_U", plain)[None]
    if any(row.any() for row in carried.values()):
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


def without_rest(weights: Tensors, settings: dict) -> Tensors:
    """The weights of our block alone. Raises WeightsError if what is left over is not zero."""
    own, size = architecture(settings), settings.get("p") or token_d(settings)
    room = addition if settings["task"] == ADDITION else regression
    ours = room.parameter_shapes(own, size)
    for name in sorted(weights.keys() - ours.keys()):
        if weights[name].any():
            norm = "LayerNorm" if own.layer_norm else f"{own.attention} attention"
            raise WeightsError(
                f"{name}: not zero, and our block, with {norm}, has no place for it: what it does"
                " would be left out"
            )
    return {name: weights[name] for name in ours}
