"""The part of a + b exchanged between prompts: by what in its stream does a network answer?

A prompt with the sum s is given, at one position after one layer, the part of the stream that
another sum has there. If it then answers the other sum, this part carries the answer. The control
gives it everything else of another prompt. Removing a part is another question: what is left of
it elsewhere may do (Geiger et al. 2021, arXiv 2106.02997: interchange interventions).
"""

from collections import namedtuple
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mechanics.addition.attention import POSITIONS
from mechanics.addition.fourier import frequency_shares, key_frequencies, project, sum_means
from mechanics.addition.pairs import all_pairs, targets
from mechanics.models import addition
from mechanics.models.attention import join_heads, split_heads
from mechanics.models.transformer import normalise
from mechanics.models.weights import Network
from mechanics.runtime.seeds import generator

Place = namedtuple("Place", "position layer")  # position (0: a, 1: b, 2: "=") after so many layers
N_PROMPTS = 1000  # pairs of prompts with different sums


class Streams:
    """What passes in one replica for all pairs.

    ``after[l]`` [pair, position, d_model] is the stream after l layers, ``pattern`` the attention
    of the last layer, ``hook_post`` its neurons at "=", ``logits`` those at "=".
    """

    def __init__(self, network: Network):
        self.parameters, self.architecture = network.weights, network.architecture
        self.p = network.settings["p"]
        self.pairs = all_pairs(self.p).to(self.parameters["embed.W_E"].device)
        self.sums = targets(self.pairs, self.p)
        n_layers, kept = self.architecture.n_layers, {}
        logits = addition.run(self.parameters, self.pairs[None], self.architecture, kept)
        self.logits = logits[0, :, 2]
        self.after = [kept["blocks.0.hook_resid_pre"][0]]
        self.after += [kept[f"blocks.{layer}.hook_resid_post"][0] for layer in range(n_layers)]
        self.pattern = kept[f"blocks.{n_layers - 1}.attn.hook_pattern"][0]
        self.hook_post = kept[f"blocks.{n_layers - 1}.mlp.hook_post"][0, :, 2]


def carrier(streams: Streams) -> tuple[Place, list[float]]:
    """Where the answer is before the last layer, and the share of every position in it.

    The last layer's neurons read at "=" what attention brings from a, from b and from "=", to which
    its own stream counts. A position's share is that of its covariance with the whole, in the part
    of a + b; the carrier has the largest. In one layer no number knows the sum: the place is "="
    after it, and the shares are nan.
    """
    last = streams.architecture.n_layers - 1
    if last == 0:
        return Place(2, 1), [torch.nan] * 3
    stream, parameters, name = streams.after[last], streams.parameters, f"blocks.{last}"
    normed = normalise(stream[None], parameters, f"{name}.ln1", streams.architecture)
    value = split_heads(normed, parameters[f"{name}.attn.W_V"])  # seed pair position head d_head
    weight = streams.pattern[:, :, 2].transpose(1, 2)[None, ..., None]
    brought = join_heads(weight * value, parameters[f"{name}.attn.W_O"])[0]
    brought[:, 2] += stream[:, 2]
    parts = [sum_part(brought[:, position], streams.p) for position in range(3)]
    total = sum(parts)
    taken = [float((part * total).sum() / total.square().sum()) for part in parts]
    return Place(max(range(3), key=taken.__getitem__), last), taken


def exchange_rows(streams: Streams, place: Place, seed: int) -> list[dict]:
    """Rows of ``sum_exchange``: shares of the answers that moved to the other sum or were kept.

    At every place from which the answer can come, ``sum`` is the whole part of a + b and ``rest``
    all but this. At the carrier also ``keys``, its n strongest key frequencies, n = 0 … all,
    ``one key`` alone, and ``others``, all but the keys; after its layer ``keys everywhere`` and
    ``rest everywhere``, at b and "=" together: a sum may be answered from both.
    """
    pairs = prompt_pairs(streams.sums, seed)
    giver, taker = streams.sums[pairs]
    rows, n_layers = [], streams.architecture.n_layers
    places = [Place(position, layer) for layer in range(1, n_layers) for position in (1, 2)]

    def change(part: Tensor, chosen: Sequence[int] | None = None) -> Tensor:
        """What is added to the takers' streams by a part of a + b, or frequencies of it."""
        own = part if chosen is None else project(part, chosen)
        return own[giver] - own[taker]

    def rest(at: Tensor, part: Tensor) -> Tensor:
        return at[pairs[0]] - at[pairs[1]] - change(part)

    for own in dict.fromkeys([*places, Place(2, n_layers), place]):
        at, part = _part_at(streams, own)
        here, keys = own.position, keys_of(part)
        about = {"position": POSITIONS[here], "layer": own.layer, "carrier": own == place}
        found = [(_named("sum"), {here: change(part)}), (_named("rest"), {here: rest(at, part)})]
        if own == place:
            sets = [("keys", keys[:n]) for n in range(len(keys) + 1)]
            sets += [("one key", [k]) for k in keys]
            found += [(_named(*some), {here: change(part, some[1])}) for some in sets]
            found.append((_named("others"), {here: change(part) - change(part, keys)}))
            read = (2,) if own.layer == n_layers else (1, 2)
            parts = {i: _part_at(streams, Place(i, own.layer)) for i in read}
            named = _named("keys everywhere") | {"n_frequencies": len(keys)}
            found.append((named, {i: change(q, keys_of(q)) for i, (_, q) in parts.items()}))
            found.append((_named("rest everywhere"), {i: rest(*q) for i, q in parts.items()}))
        rows += [
            about | named | _exchange(streams, own.layer, pairs, changes)
            for named, changes in found
        ]
    return rows


def prompt_pairs(sums: Int[Tensor, " pair"], seed: int) -> Int[Tensor, "2 prompt"]:
    """``N_PROMPTS`` random prompts that give and as many that take, of different sums."""
    drawn = torch.randint(len(sums), (2, 2 * N_PROMPTS), generator=generator("bootstrap", seed))
    drawn = drawn.to(sums.device)
    giver, taker = sums[drawn]
    return drawn[:, giver != taker][:, :N_PROMPTS]


def keys_of(part: Float[Tensor, "sum d_model"]) -> list[int]:
    """The key frequencies of a part of a + b, the strongest first."""
    spectrum = frequency_shares(part)
    return sorted(key_frequencies(spectrum), key=lambda k: -float(spectrum[k - 1]))


def _named(exchanged: str, chosen: Sequence[int] = ()) -> dict:
    listed = " ".join(map(str, chosen))
    return {"exchanged": exchanged, "n_frequencies": len(chosen), "frequencies": listed}


def _exchange(
    streams: Streams, layer: int, pairs: Int[Tensor, "2 prompt"], changes: dict[int, Tensor]
) -> dict[str, float]:
    """What the takers answer after changes of their stream at some positions."""
    stream = streams.after[layer][pairs[1]]
    for position, change in changes.items():
        stream[:, position] += change
    own = streams.parameters, streams.architecture
    answers = addition.run_from(stream[None], *own, layer)[0, :, 2].argmax(dim=1)
    moved, kept = (answers == streams.sums[pairs]).double().mean(dim=1).tolist()
    return {"moved": moved, "kept": kept, "n_prompts": pairs.shape[1]}


def sum_part(values: Float[Tensor, "pair d_model"], p: int) -> Float[Tensor, "sum d_model"]:
    """What of a stream depends on a + b, about its mean."""
    return sum_means(values - values.mean(dim=0), p)


def _part_at(streams: Streams, place: Place) -> tuple[Tensor, Tensor]:
    """The stream [pair, d_model] at a place, and its part of a + b [sum, d_model]."""
    at = streams.after[place.layer][:, place.position]
    return at, sum_part(at, streams.p)
