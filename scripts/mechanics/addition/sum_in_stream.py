"""Where in the stream of an addition network its answer arises, and in which form.

The stream after every layer and at every position is split into what depends on a, on b, on a + b
and on a − b alone. For an odd p these parts are orthogonal; for an even one (−1)^(a + b) is in both
of the last two. The part of a + b is a function on Z_p, so it has a spectrum. ``sum_exchange`` says
which of it the network answers by.
"""

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.addition.ablation import judge
from mechanics.addition.attention import POSITIONS
from mechanics.addition.circuit import tabulate
from mechanics.addition.collapse import collapse, neurons_of_one_sum
from mechanics.addition.fourier import frequency_shares, sum_means
from mechanics.addition.pairs import all_pairs
from mechanics.addition.sum_exchange import EXCHANGE_COLUMNS, Streams, carrier, exchange_rows
from mechanics.models import addition
from mechanics.models.transformer import normalise
from mechanics.models.weights import Network

COLUMNS = "seed:int64 position:str layer:int64 quantity:str frequency:int64 value"
NO_VARIANCE = 1e-24  # share of what is there that is float64's rounding


def sum_in_stream(
    networks: list[Network], splits: dict[int, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """``sum_in_stream``, a row per seed, position, layer and quantity, and ``sum_exchange``.

    Layer 0 is the embedding, layer l the stream after l layers. Of every place: ``share_a``,
    ``share_b``, ``share_sum``, ``share_difference`` of the ``variance`` over the pairs. Of b and
    "=": ``spectrum``, the share of each frequency in the part of a + b. Before the last layer:
    ``sum_taken``, see ``carrier``. What is of the whole network stands at "=" after the last layer
    (``answer``). A frequency is 0 where none belongs. A network whose weights are not finite has
    no rows.
    """
    return tabulate(networks, measure, sum_in_stream=COLUMNS, sum_exchange=EXCHANGE_COLUMNS)


@torch.no_grad()
def measure(network: Network) -> tuple[list[dict], list[dict]]:
    """The rows of both tables, without their seed."""
    streams, p = Streams(network), network.settings["p"]
    rows = []

    def add(position: str, layer: int, quantity: str, value: float, frequency: int = 0) -> None:
        own = {"position": position, "layer": layer, "quantity": quantity}
        rows.append(own | {"frequency": frequency, "value": value})

    for layer, of_layer in enumerate(streams.after):
        for index, position in enumerate(POSITIONS):
            values = of_layer[:, index]
            for quantity, value in shares(values, p).items():
                add(position, layer, quantity, value)
            if index and layer:
                spectrum = frequency_shares(sum_means(values - values.mean(dim=0), p))
                for k, value in enumerate(spectrum.tolist(), start=1):
                    add(position, layer, "spectrum", value, k)
    place, taken = carrier(streams)
    for position, value in zip(POSITIONS, taken, strict=True):
        add(position, place.layer, "sum_taken", value)
    for quantity, value in answer(network, streams).items():
        add("=", len(streams.after) - 1, quantity, value)
    return rows, exchange_rows(streams, place, network.seed)


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
    p, logits = network.settings["p"], streams.logits
    final = normalise(streams.after[-1][None, :, 2], parameters, "ln_final", architecture)[0]
    dimensions = architecture.d_model - architecture.layer_norm  # LayerNorm takes the mean away
    return {
        **logit_shares(logits),
        **_judged(logits, ""),
        **_with_uniform_attention(network),
        **collapse(final, parameters["unembed.W_U"][0], dimensions),
        **(neurons_of_one_sum(streams.hook_post, p) if architecture.d_mlp else {}),
    }


def logit_shares(logits: Float[Tensor, "pair token"]) -> dict[str, float]:
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


def _judged(logits: Float[Tensor, "pair token"], prefix: str) -> dict[str, float]:
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
    pairs = all_pairs(network.settings["p"]).to(weights["embed.W_E"].device)
    return _judged(addition.forward(weights, pairs[None], architecture)[0], "uniform_")
