"""The attention of every head of regression networks beside the similarity x_iᵀx_test.

The untrained network and the test points of other prompts are the nulls.
"""

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models.prompts import Prompts, mean_and_error
from mechanics.models.weights import Network
from mechanics.regression.heads import (
    attention_weights,
    match_correlation,
    merged_query_key,
    shuffled_similarities,
    similarities,
    top_weight,
    value_sign,
)
from mechanics.regression.held_out import HeldOut, tokens, untrained

N_PROMPTS, N_PROMPTS_DEEP = 1024, 256  # deep networks have many heads and take longer
N_EXAMPLES, EXAMPLE_LENGTH = 8, 20


@torch.no_grad()
def attention(networks: list[Network], held_out: HeldOut) -> dict[str, pd.DataFrame]:
    """Tables ``attention``, and of one seed ``attention_examples``, ``attention_matrix`` and
    ``query_key``."""
    finished = [network for network in networks if network.status == "finished"]
    shown = (finished or networks)[0]
    return {
        "attention": measure_heads(networks, held_out),
        "attention_examples": example_attention(shown, held_out),
        "attention_matrix": attention_matrix(shown, held_out),
        "query_key": query_key(shown),
    }


def measure_heads(networks: list[Network], held_out: HeldOut) -> pd.DataFrame:
    """A row per seed, weights (trained or not), measured k, layer and head."""
    rows = []
    n_prompts = N_PROMPTS_DEEP if networks[0].architecture.d_mlp else N_PROMPTS
    for k in networks[0].settings["measured_at"]:
        prompts = tokens(held_out.prompts(k, n_prompts), networks[0])
        for network in networks:
            for trained in (False, True):
                which = {"seed": network.seed, "trained": trained}
                own = network if trained else untrained(network)
                rows += [which | row for row in describe_heads(own, prompts)]
    return pd.DataFrame(rows)


def describe_heads(network: Network, prompts: Prompts) -> list[dict]:
    """Correlations of every layer and head, their mean and standard error over prompts."""
    similarity, shuffled = similarities(prompts)[0], shuffled_similarities(prompts)[0]
    weights, architecture = network.weights, network.architecture
    rows = []
    for layer, patterns in enumerate(attention_weights(weights, prompts, architecture)):
        signs = None if architecture.embedded else value_sign(weights, architecture, layer)[0]
        for head in range(architecture.n_heads):
            pattern = patterns[0, :, head]  # prompt query k
            correlation, error = over_prompts(match_correlation(pattern, similarity))
            null, null_error = over_prompts(match_correlation(pattern, shuffled))
            sign = float("nan") if signs is None else signs[head].item()
            rows.append(
                {
                    "layer": layer,
                    "head": head,
                    "k": prompts.x.shape[-2],
                    "correlation": correlation,
                    "correlation_se": error,
                    "signed_correlation": sign * correlation,
                    "shuffled_correlation": null,
                    "shuffled_correlation_se": null_error,
                    "top_weight": over_prompts(top_weight(pattern, similarity).double())[0],
                    "n_prompts": prompts.x.shape[1],
                }
            )
    return rows


def over_prompts(values: Float[Tensor, "prompt query"]) -> tuple[float, float]:
    """Mean and its standard error; the queries of a prompt share a context."""
    mean, error = mean_and_error(values.mean(dim=-1))
    return mean.item(), error.item()


def example_attention(network: Network, held_out: HeldOut) -> pd.DataFrame:
    """Attention of the first query of some prompts; rank 1 is the best match of the context."""
    k, prompts = _examples(network, held_out)
    similarity, order = similarities(prompts)[0, :, 0].sort(dim=-1, descending=True)
    frames = []
    patterns = attention_weights(network.weights, prompts, network.architecture)
    for layer, pattern in enumerate(patterns):
        for head in range(network.architecture.n_heads):
            weight = pattern[0, :, head, 0].gather(-1, order)  # prompt k
            prompt, rank = torch.meshgrid(*map(torch.arange, weight.shape), indexing="ij")
            columns = {"prompt": prompt, "rank": rank + 1}
            columns |= {"similarity": similarity, "weight": weight}
            frame = pd.DataFrame({n: c.flatten().cpu().numpy() for n, c in columns.items()})
            frames.append(frame.assign(seed=network.seed, k=k, layer=layer, head=head))
    names = ["seed", "k", "layer", "head", "prompt", "rank", "similarity", "weight"]
    return pd.concat(frames, ignore_index=True)[names]


def attention_matrix(network: Network, held_out: HeldOut) -> pd.DataFrame:
    """Attention of every token of the first example to its context; token k + 1 is the test point.

    Context tokens are numbered by their similarity to it, the most similar first.
    """
    k, prompts = _examples(network, held_out)
    order = similarities(prompts)[0, 0, 0].argsort(descending=True)
    rows = torch.cat([order, order.new_tensor([k])])
    patterns = attention_weights(network.weights, prompts, network.architecture, every=True)
    frames = []
    for layer, pattern in enumerate(patterns):
        for head, own in enumerate(pattern[0, 0]):  # query key
            matrix = pd.DataFrame(own[rows][:, order].cpu().numpy())
            long = matrix.melt(ignore_index=False, var_name="key_token", value_name="weight")
            long = long.rename_axis("query_token").reset_index()
            long[["query_token", "key_token"]] += 1
            frames.append(long.assign(seed=network.seed, k=k, layer=layer, head=head))
    names = ["seed", "k", "layer", "head", "query_token", "key_token", "weight"]
    return pd.concat(frames, ignore_index=True)[names].astype({"key_token": "int64"})


def _examples(network: Network, held_out: HeldOut) -> tuple[int, Prompts]:
    """Their context length, of those measured, and the prompts."""
    k = min(network.settings["measured_at"], key=lambda length: abs(length - EXAMPLE_LENGTH))
    return k, tokens(held_out.prompts(k, N_EXAMPLES), network)


def query_key(network: Network) -> pd.DataFrame:
    """W_QK of every layer and head of a token network; rows and columns are x_1 … x_d, y.

    No rows for an embedded network, which reads no tokens.
    """
    names = ["seed", "layer", "head", "row", "column", "value"]
    architecture = network.architecture
    if architecture.embedded:
        types = {name: "float64" if name == "value" else "int64" for name in names}
        return pd.DataFrame(columns=names).astype(types)
    weights = network.exact().weights
    rows = [
        (network.seed, layer, head, row, column, value)
        for layer in range(architecture.n_layers)
        for head in range(architecture.n_heads)
        for row, values in enumerate(
            merged_query_key(weights, architecture, layer, head)[0].tolist()
        )
        for column, value in enumerate(values)
    ]
    return pd.DataFrame(rows, columns=names)
