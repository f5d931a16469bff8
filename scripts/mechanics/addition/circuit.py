"""The Fourier circuit of final networks: embedding, neurons, logits.

A measure that needs W_L or an isolated circle is nan for a network with several layers or with
LayerNorm; what is about key frequencies is nan for a network without any.
"""

import math

from mechanics.addition import identities
from mechanics.addition.activations import addition_activations, neuron_logits
from mechanics.addition.embedding import embedding_rows, number_embeddings
from mechanics.addition.fourier import (
    frequency_shares,
    harmonics,
    key_frequencies,
    share_of,
    sum_spectrum,
)
from mechanics.addition.neurons import EXPLAINED, cluster_keys, contributions, neuron_frequencies
from mechanics.models.weights import Network

LISTS = ("key_frequencies", "keys_from", "keys_w_e", "keys_neurons", "harmonics")
COLUMNS = {  # name and dtype; where no dtype is given it is float64
    "circuit": f"seed:int64 {':str '.join(LISTS)}:str w_e_keys w_e_harmonics logit_fve"
    " neurons_explained neurons_explained_weighted distance_irrelevance clock_circles",
    "identities": "seed:int64 frequency:int64 alpha fve cos_r_squared sin_r_squared"
    " q_clock q_pizza",
    "circles": "seed:int64 plane:str frequency:int64 radius_cv angle_r_squared fve"
    " angle_r_squared_random",
    "embedding": "seed:int64 kind:str frequency:int64 index:int64 value",
}


def measure(network: Network) -> dict[str, list[dict]]:
    """Rows of every table; of weights that are not finite a row of nan in ``circuit`` alone."""
    if not network.finite:
        return {"circuit": [dict.fromkeys(LISTS, "")]}
    parameters, architecture = network.weights, network.architecture
    activations = addition_activations(parameters, architecture)
    logits, hook_post = activations.logits, activations.hook_post[-1]
    p = logits.shape[1]
    W_E = number_embeddings(parameters["embed.W_E"][0])
    neurons = neuron_frequencies(hook_post, p)
    explained = neurons.fve > EXPLAINED
    spectrum, shares = sum_spectrum(logits), frequency_shares(W_E)
    W_L = neuron_logits(parameters, architecture) if architecture.reads_neurons_directly else None
    keys = key_frequencies(spectrum if W_L is None else frequency_shares(W_L.T))
    keys_w_e = key_frequencies(shares)
    in_embedding = keys or keys_w_e  # logits of several layers may show none
    doubled = harmonics(in_embedding, p)
    row = {
        "key_frequencies": _listed(keys),
        "keys_from": "logits" if W_L is None else "W_L",
        "keys_w_e": _listed(keys_w_e),
        "keys_neurons": _listed(cluster_keys(neurons, p)),
        "harmonics": _listed(doubled),
        "w_e_keys": share_of(shares, in_embedding),
        "w_e_harmonics": share_of(shares, doubled),
        "logit_fve": share_of(spectrum, keys) if keys else math.nan,
        "neurons_explained": float(explained.double().mean()),
        "distance_irrelevance": identities.distance_irrelevance(logits),
    }
    by_key = identities.logit_identities(logits, keys, hook_post, W_L)
    if W_L is not None:
        isolated = identities.clock_or_pizza(parameters, architecture, keys)
        by_key = [row | q for row, q in zip(by_key, isolated, strict=True)]
        weights = contributions(hook_post, W_L)[explained]
        row["neurons_explained_weighted"] = float(weights.sum().clamp(max=1))
        if keys:
            row["clock_circles"] = sum(q["q_clock"] > q["q_pizza"] for q in isolated)
    circles, embedding = embedding_rows(W_E, keys)
    return {"circuit": [row], "identities": by_key, "circles": circles, "embedding": embedding}


def _listed(keys: list[int]) -> str:
    return " ".join(map(str, keys))
