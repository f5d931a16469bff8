"""The Fourier circuit of final networks: embedding, neurons, logits.

A measure that needs W_L or an isolated circle is nan for a network with several layers or with
LayerNorm; what is about key frequencies is nan for a network without any.
"""

from collections.abc import Callable

import pandas as pd
import torch
from torch import Tensor

from mechanics.addition import identities
from mechanics.addition.activations import addition_activations, neuron_logits
from mechanics.addition.embedding import (
    circle,
    key_plane,
    number_embeddings,
    principal_plane,
    random_circle,
)
from mechanics.addition.fourier import frequency_shares, harmonics, key_frequencies, sum_spectrum
from mechanics.addition.neurons import (
    EXPLAINED,
    cluster_keys,
    contributions,
    neuron_frequencies,
    output_frequencies,
)
from mechanics.models.transformer import Architecture
from mechanics.models.weights import Network

NAN = float("nan")
COLUMNS = {  # name and dtype; where no dtype is given it is float64
    "circuit": "seed:int64 key_frequencies:str keys_from:str keys_w_e:str keys_neurons:str"
    " harmonics:str w_e_keys w_e_harmonics"
    " key_frequencies_agree:boolean logit_fve w_l_outside neurons_explained"
    " neurons_explained_weighted neurons_agree attention_fve distance_irrelevance clock_circles",
    "identities": "seed:int64 frequency:int64 alpha fve cos_r_squared sin_r_squared"
    " q_clock q_pizza",
    "circles": "seed:int64 plane:str frequency:int64 radius_cv eigenvalue_ratio angle_r_squared"
    " purity fve radius_cv_random angle_r_squared_random",
    "embedding": "seed:int64 kind:str frequency:int64 index:int64 value",
    "neurons": "seed:int64 neuron:int64 frequency:int64 fve output_frequency:Int64 output_fve"
    " contribution",
}


def frame(rows: list[dict], table: str) -> pd.DataFrame:
    """Rows as one of the tables of ``COLUMNS``."""
    return typed_frame(rows, COLUMNS[table])


def typed_frame(rows: list[dict], columns: str) -> pd.DataFrame:
    """Rows as a table with columns like those of ``COLUMNS``; what a row lacks is nan."""
    named = [column.partition(":") for column in columns.split()]
    dtypes = {name: dtype or "float64" for name, _, dtype in named}
    return pd.DataFrame(rows, columns=list(dtypes)).astype(dtypes)


def tabulate(networks: list[Network], measure: Callable, **columns: str) -> dict[str, pd.DataFrame]:
    """Tables with these columns, of the rows that ``measure`` makes of each network, a list for
    each table. A network whose weights are not finite has no rows."""
    rows = {name: [] for name in columns}
    for network in networks:
        for name, own in zip(columns, measure(network) if network.finite else (), strict=False):
            rows[name] += [{"seed": network.seed} | row for row in own]
    return {name: typed_frame(rows[name], columns[name]) for name in columns}


def circuit(networks: list[Network], splits: dict[int, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables of ``COLUMNS``."""
    measured = [measure(network) for network in networks]
    return {name: frame([r for own in measured for r in own[name]], name) for name in COLUMNS}


def measure(network: Network) -> dict[str, list[dict]]:
    """Rows of every table for one seed; a replica with weights that are not finite has none but
    a row of nan in ``circuit``."""
    if network.finite:
        tables = measure_network(network.weights, network.architecture)
    else:
        lists = ["key_frequencies", "keys_from", "keys_w_e", "keys_neurons", "harmonics"]
        unknown = dict.fromkeys(lists, "")
        tables = {name: [] for name in COLUMNS} | {"circuit": [unknown]}
    return {name: [row | {"seed": network.seed} for row in rows] for name, rows in tables.items()}


@torch.no_grad()
def measure_network(
    parameters: dict[str, Tensor], architecture: Architecture
) -> dict[str, list[dict]]:
    """Rows of every table, without their seed, for weights with a leading seed dimension of 1."""
    activations = addition_activations(parameters, architecture)
    logits, hook_post = activations.logits, activations.hook_post[-1]
    p = logits.shape[1]
    W_E = number_embeddings(parameters["embed.W_E"][0])
    in_neurons = neuron_frequencies(hook_post, p)
    spectrum = sum_spectrum(logits).cpu()
    shares = frequency_shares(W_E)
    keys_w_e, keys_neurons = key_frequencies(shares), cluster_keys(in_neurons, p)
    row = {
        "keys_w_e": _listed(keys_w_e),
        "keys_neurons": _listed(keys_neurons),
        "neurons_explained": float((in_neurons.fve > EXPLAINED).double().mean()),
        "distance_irrelevance": identities.distance_irrelevance(logits),
    }
    neurons = pd.DataFrame({name: t.numpy() for name, t in vars(in_neurons).items()})
    neurons = neurons.rename_axis("neuron").reset_index()
    neurons = neurons.assign(output_frequency=None, output_fve=NAN, contribution=NAN)
    W_L = neuron_logits(parameters, architecture) if architecture.reads_neurons_directly else None
    keys = key_frequencies(spectrum if W_L is None else frequency_shares(W_L.T))
    by_key = identities.logit_identities(logits, keys, hook_post, W_L)
    if W_L is not None:
        written = output_frequencies(W_L)
        weights = contributions(hook_post, W_L)
        neurons = neurons.assign(
            output_frequency=written.frequency.numpy(),
            output_fve=written.fve.numpy(),
            contribution=weights.numpy(),
        )
        both = (in_neurons.frequency > 0) & (written.frequency > 0)
        same = (in_neurons.frequency == written.frequency)[both]
        to_a = neuron_frequencies(activations.pattern[0][:, :, 0], p)  # of each head's attention
        isolated = identities.clock_or_pizza(parameters, architecture, keys)
        by_key = [row | q for row, q in zip(by_key, isolated, strict=True)]
        row |= {
            "neurons_agree": float(same.double().mean()),
            "neurons_explained_weighted": float(weights[in_neurons.fve > EXPLAINED].sum()),
            "attention_fve": float(to_a.fve.nanmean()),
        }
        if keys:
            row |= {
                "key_frequencies_agree": keys == keys_neurons and set(keys) <= set(keys_w_e),
                "w_l_outside": identities.w_l_outside(W_L, keys),
                "clock_circles": sum(q["q_clock"] > q["q_pizza"] for q in isolated),
            }
    in_embedding = keys or keys_w_e  # logits of several layers may show none
    doubled = harmonics(in_embedding, p)
    row["harmonics"] = _listed(doubled)
    for name, group in (("w_e_keys", in_embedding), ("w_e_harmonics", doubled)):
        row[name] = float(shares[[k - 1 for k in group]].sum())
    row["key_frequencies"] = _listed(keys)
    row["keys_from"] = "logits" if W_L is None else "W_L"
    row["logit_fve"] = float(spectrum[[k - 1 for k in keys]].sum()) if keys else NAN
    circles, embedding = embedding_rows(W_E, keys)
    return {
        "circuit": [row],
        "identities": by_key,
        "circles": circles,
        "embedding": embedding,
        "neurons": neurons.to_dict("records"),
    }


def embedding_rows(W_E: Tensor, keys: list[int]) -> tuple[list[dict], list[dict]]:
    """Rows of ``circles`` and of ``embedding``, from the centred embeddings of the numbers.

    ``embedding`` has kind "share" (index: the frequency), "singular_value" and "principal_share"
    (index: from 1), and coordinates "key_x", "key_y", "raw_x", "raw_y" (index: the number), of the
    plane of each key and of the first two principal components; frequency 0 where none belongs.
    """
    singular = torch.linalg.svdvals(W_E)
    series = {("share", 0): frequency_shares(W_E), ("singular_value", 0): singular}
    series["principal_share", 0] = singular.square() / singular.square().sum()
    planes = [("key", circle(W_E, key_plane(W_E, k), k)) for k in keys]
    planes.append(("raw", circle(W_E, principal_plane(W_E))))
    circles = []
    for plane, found in planes:
        series[f"{plane}_x", found.frequency], series[f"{plane}_y", found.frequency] = (
            found.coordinates.T
        )
        null = random_circle(*W_E.shape, plane)
        of_random = {f"{name}_random": null[name] for name in ("radius_cv", "angle_r_squared")}
        circles.append({"plane": plane, **vars(found), **of_random})
    embedding = [
        {"kind": kind, "frequency": frequency, "index": index, "value": value}
        for (kind, frequency), values in series.items()
        for index, value in enumerate(values.tolist(), start=0 if kind[-2:] in ("_x", "_y") else 1)
    ]
    return circles, embedding


def _listed(keys: list[int]) -> str:
    return " ".join(str(k) for k in keys)
