"""Frequencies kept in or removed from the embedding of the numbers, and what is answered then.

What a network of any depth cannot read in W_E it cannot use. So this tells whether an answer
*needs* frequencies that its logits need not show, with LayerNorm and several layers, too.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.addition.ablation import NAN, Answers, judge, random_sets
from mechanics.addition.activations import Parameters, neuron_logits
from mechanics.addition.embedding import number_embeddings
from mechanics.addition.fourier import (
    frequencies,
    frequency_shares,
    harmonics,
    key_frequencies,
    project,
)
from mechanics.addition.pairs import all_pairs
from mechanics.models import addition, table_rows
from mechanics.models.transformer import Architecture
from mechanics.models.weights import Network
from mechanics.runtime.seeds import generator

N_DRAWS = 10  # random sets of frequencies beside the keys
ABOUT_KEYS = ("keys_kept", "keys_removed", "random_kept", "random_removed")
ABOUT_KEYS += ("harmonics_removed", "both_kept")
Embedding = Float[Tensor, "token d_model"]


def in_embedding(W_E: Embedding, chosen: Sequence[int], keep: bool) -> Embedding:
    """W_E with only the chosen frequencies over the numbers, or without them.

    The mean of the numbers and the row of "=" (the last) stay as they are. Raises ValueError for a
    frequency that p does not have.
    """
    numbers = W_E[:-1]
    part = project(numbers, chosen)
    changed = numbers.mean(dim=0) + part if keep else numbers - part
    return torch.cat([changed, W_E[-1:]])


@torch.no_grad()
def answers_with(parameters: Parameters, architecture: Architecture, W_E: Embedding) -> Answers:
    """How one replica (float64) answers all p² pairs with another embedding."""
    p, changed = len(W_E) - 1, parameters | {"embed.W_E": W_E[None]}
    pairs = all_pairs(p).to(W_E.device)[None]
    if table_rows.applies(architecture):
        given = addition.read(pairs, architecture, p)
        index = table_rows.PairRows(given, p, architecture.n_heads)
        return judge(table_rows.forward(changed, index, architecture)[0])
    return judge(addition.forward(changed, pairs, architecture)[0])


def measure(network: Network) -> dict[str, list[dict]]:
    """``embedding_ablation``: a row per kind and draw or frequency, over all pairs.

    Key frequencies are those of W_L in one layer without LayerNorm, else of W_E itself.

    - whole: the network
    - keys_kept, keys_removed: the key frequencies alone, or all others
    - harmonics_removed, both_kept: without the keys' harmonics (2k), or with these and the keys
    - random_kept, random_removed: as many random other frequencies, ``N_DRAWS`` draws
    - one_removed: each frequency by itself

    ``n`` frequencies are kept or removed; ``share`` is what they have of the variance of W_E over
    the numbers; ``group`` is "key", "harmonic" or "other". Without key frequencies the kinds about
    them are one row of nan each, n = 0.
    """
    weights, W_E = network.weights, network.weights["embed.W_E"][0]
    shares = frequency_shares(number_embeddings(W_E))
    p, own = len(W_E) - 1, network.architecture
    direct = own.reads_neurons_directly
    keys = key_frequencies(frequency_shares(neuron_logits(weights, own).T) if direct else shares)
    every, doubled = list(frequencies(p)), harmonics(keys, p)
    groups = dict.fromkeys(every, "other") | dict.fromkeys(doubled, "harmonic")
    groups |= dict.fromkeys(keys, "key")

    def row(kind: str, chosen: list[int], draw: int = 0, frequency: int = 0) -> dict:
        """``frequency``: the one that is removed alone, else 0."""
        changed = in_embedding(W_E, chosen, keep=kind.endswith("_kept"))
        answers = answers_with(weights, own, changed).over_all()
        about = {"kind": kind, "frequency": frequency, "is_key": frequency in keys}
        about |= {"group": groups.get(frequency, ""), "n": len(chosen), "draw": draw}
        return about | {"share": float(shares[[k - 1 for k in chosen]].sum())} | answers

    rows = [row("whole", [])]
    if keys:
        others, draw = [k for k in every if k not in keys], generator("bootstrap", network.seed, 10)
        draws = random_sets(others, len(keys), N_DRAWS, draw)
        for change in ("kept", "removed"):
            rows.append(row(f"keys_{change}", keys))
            rows += [row(f"random_{change}", chosen, draw) for draw, chosen in enumerate(draws)]
        rows += [row("harmonics_removed", doubled), row("both_kept", sorted(keys + doubled))]
    else:
        rows += [rows[0] | NAN | {"kind": kind, "share": math.nan} for kind in ABOUT_KEYS]
    rows += [row("one_removed", [k], frequency=k) for k in every]
    return {"embedding_ablation": rows}
