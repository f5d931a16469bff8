"""Where in the stream of an addition network its answer arises, and in which form.

The stream after every layer and at every position is split into what depends on a, on b, on a + b
(a function on Z_p, which has a spectrum) and on a − b alone. For an odd p these parts are
orthogonal; for an even one (−1)^(a + b) is in both of the last two.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.addition.ablation import judge
from mechanics.addition.activations import addition_activations
from mechanics.addition.attention import POSITIONS
from mechanics.addition.fourier import NO_VARIANCE, Logits, frequency_shares, sum_means
from mechanics.addition.pairs import all_pairs, targets
from mechanics.addition.sum_exchange import Streams, carrier, exchange_rows, sum_part
from mechanics.models.transformer import normalise
from mechanics.models.weights import Network

FIRES = 0.05  # share of its largest mean over the pairs of a sum, from which a neuron fires at one
COLUMNS = {
    "sum_in_stream": "seed:int64 position:str layer:int64 quantity:str frequency:int64 value",
    "sum_exchange": "seed:int64 position:str layer:int64 carrier:bool exchanged:str"
    " n_frequencies:int64 frequencies:str moved kept n_prompts:int64",
}


def measure(network: Network) -> dict[str, list[dict]]:
    """``sum_in_stream``, a row per position, layer and quantity, and ``sum_exchange``.

    Layer 0 is the embedding, layer l the stream after l layers. Of every place: ``share_a``,
    ``share_b``, ``share_sum``, ``share_difference`` of the ``variance`` over the pairs. Of b and
    "=": ``spectrum``, the share of each frequency in the part of a + b. Before the last layer:
    ``sum_taken``, see ``carrier``. What is of the whole network stands at "=" after the last layer
    (``answer``). A frequency is 0 where none belongs. A network whose weights are not finite has
    no rows.
    """
    if not network.finite:
        return {}
    streams, p, rows = Streams(network), network.settings["p"], []

    def add(position: str, layer: int, values: dict[str, float], frequency: int = 0) -> None:
        for quantity, value in values.items():
            own = {"position": position, "layer": layer, "quantity": quantity}
            rows.append(own | {"frequency": frequency, "value": value})

    for layer, of_layer in enumerate(streams.after):
        for index, position in enumerate(POSITIONS):
            values = of_layer[:, index]
            add(position, layer, shares(values, p))
            if index and layer:
                spectrum = frequency_shares(sum_part(values, p))
                for k, value in enumerate(spectrum.tolist(), start=1):
                    add(position, layer, {"spectrum": value}, k)
    place, taken = carrier(streams)
    for position, value in zip(POSITIONS, taken, strict=True):
        add(position, place.layer, {"sum_taken": value})
    add("=", len(streams.after) - 1, answer(network, streams))
    return {"sum_in_stream": rows, "sum_exchange": exchange_rows(streams, place, network.seed)}


def shares(values: Float[Tensor, "pair feature"], p: int) -> dict[str, float]:
    """Shares of the variance over all pairs that depend on a, b, a + b or a − b alone.

    Noise has about 1/p of its variance in each. nan where nothing varies.
    """
    centred = values - values.mean(dim=0)
    square = centred.view(p, p, -1)
    negative = square[:, -torch.arange(p, device=values.device) % p].flatten(0, 1)  # of (a, −b)
    parts = {
        "a": square.mean(dim=1),
        "b": square.mean(dim=0),
        "sum": sum_means(centred, p),
        "difference": sum_means(negative, p),
    }
    total = centred.square().sum()
    if not total > NO_VARIANCE * values.square().sum():
        return dict.fromkeys([f"share_{name}" for name in parts], torch.nan) | {"variance": 0.0}
    found = {f"share_{name}": p * part.square().sum() / total for name, part in parts.items()}
    return {name: float(share) for name, share in found.items()} | {"variance": float(total) / p**2}


def answer(network: Network, streams: Streams) -> dict[str, float]:
    """Of the whole network: on what its logits depend, and how they are read off the stream."""
    parameters, architecture = network.weights, network.architecture
    final = normalise(streams.after[-1][None, :, 2], parameters, "ln_final", architecture)[0]
    dimensions = architecture.d_model - architecture.layer_norm  # LayerNorm takes the mean away
    return {
        **logit_shares(streams.logits),
        **_judged(streams.logits, ""),
        **_with_uniform_attention(network),
        **collapse(final, parameters["unembed.W_U"][0], dimensions),
        **neurons_of_one_sum(streams.hook_post, network.settings["p"]),
    }


def logit_shares(logits: Logits) -> dict[str, float]:
    """Shares of the variance of the logits, centred over c, that depend on (a + b, c) alone, and
    on a + b − c alone, by any function."""
    p = logits.shape[1]
    centred = logits - logits.mean(dim=1, keepdim=True)
    total = centred.square().sum()
    of_sums = sum_means(centred, p)
    numbers = torch.arange(p, device=logits.device)
    by_difference = of_sums.gather(1, (numbers[:, None] - numbers) % p).mean(dim=0)
    return {
        "logits_of_sum_and_c": float(p * of_sums.square().sum() / total),
        "logits_of_sum_minus_c": float(p**2 * by_difference.square().sum() / total),
    }


def _judged(logits: Logits, prefix: str) -> dict[str, float]:
    found = judge(logits).over_all()
    return {f"{prefix}accuracy": found["accuracy"], f"{prefix}least_margin": found["min_margin"]}


def _with_uniform_attention(network: Network) -> dict[str, float]:
    """With scores of zero a softmax is uniform over what is visible; linear attention has none."""
    architecture = network.architecture
    if architecture.attention != "softmax":
        return dict.fromkeys(["uniform_accuracy", "uniform_least_margin"], torch.nan)
    weights = {
        name: torch.zeros_like(tensor) if name.endswith("W_Q") else tensor
        for name, tensor in network.weights.items()
    }
    return _judged(addition_activations(weights, architecture).logits, "uniform_")


def collapse(
    final: Float[Tensor, "pair d_model"], W_U: Float[Tensor, "d_model token"], dimensions: int
) -> dict[str, float]:
    """Neural collapse: how near a network that answers p sums is to a lookup into p code words.

    The final stream of all pairs of one sum is a class. Papyan et al. 2020 (arXiv 2008.08186):
    classes shrink to their means, which lie alike and far apart, each aligned with its column of
    W_U. In fewer dimensions than classes the means cannot be orthogonal, and Welch 1974 bounds how
    near to it they are (Jiang et al. 2023, arXiv 2310.05351).

    ``dimensions`` are those in which the stream can lie. Cosines are between class means, or
    columns of W_U, centred over the classes; ``off_diagonal_rms`` is at least ``welch_bound``, and
    about ``random_rms`` for means in random directions. ``tight_code_share`` is the share of
    a + b − c alone in the logits of a code at the bound: 1 in p − 1 dimensions or more.
    """
    p = W_U.shape[1]
    d = min(dimensions, p - 1)  # the means sum to zero
    means = sum_means(final, p)
    inside = (final - means[targets(all_pairs(p), p).to(final.device)]).square().sum() / p**2
    centred = means - means.mean(dim=0)
    norms = centred.norm(dim=1)
    columns = W_U.T - W_U.mean(dim=1)
    words = centred / norms[:, None]
    aligned = (words * columns / columns.norm(dim=1, keepdim=True)).sum(dim=1)
    others = (words @ words.T)[~torch.eye(p, dtype=torch.bool, device=final.device)]
    found = {
        "within_over_between": inside / norms.square().mean(),
        "norm_variation": norms.std() / norms.mean(),
        "aligned_with_W_U": aligned.mean(),
        "least_aligned_with_W_U": aligned.min(),
        "off_diagonal_rms": others.square().mean().sqrt(),
        "off_diagonal_largest": others.max(),
        "off_diagonal_least": others.min(),
    }
    bounds = {
        "welch_bound": ((p - d) / (d * (p - 1))) ** 0.5,
        "random_rms": d**-0.5,
        "tight_code_share": d / (p - 1),
    }
    return {name: float(value) for name, value in found.items()} | bounds


def neurons_of_one_sum(hook_post: Float[Tensor, "pair d_mlp"], p: int) -> dict[str, float]:
    """How many neurons fire at exactly one of the p sums, and how many sums have such a neuron.

    A neuron fires at a sum if its mean over the pairs of the sum is more than ``FIRES`` of the
    largest of these means.
    """
    means = sum_means(hook_post, p)
    largest = means.amax(dim=0)
    fires = (means > FIRES * largest) & (largest > 0)
    single = fires[:, fires.sum(dim=0) == 1]
    return {
        "neurons": float(fires.shape[1]),
        "neurons_of_one_sum": float(single.shape[1]),
        "sums_with_a_neuron": float(single.any(dim=1).sum()),
    }
