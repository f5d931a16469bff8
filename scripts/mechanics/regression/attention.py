"""The attention of every head of regression networks beside the similarity x_iᵀx_test.

A head that looks up similar examples gives a context token the more weight the larger its
x_iᵀx_test is. That is asked in ranks (Spearman), which serves linear scores and softmax
probabilities alike. The untrained network is the null.
"""

import math

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models import regression
from mechanics.models.prompts import Prompts
from mechanics.models.weights import Network
from mechanics.regression.algorithms import similarities
from mechanics.regression.effective_weights import merged
from mechanics.regression.held_out import HeldOut, tokens, untrained

N_PROMPTS, N_PROMPTS_DEEP = 1024, 256  # with MLPs a network takes longer
N_EXAMPLES, EXAMPLE_LENGTH = 8, 20


@torch.no_grad()
def attention(networks: list[Network], held_out: HeldOut) -> dict[str, pd.DataFrame]:
    """Tables ``attention``, and of the first sound seed ``attention_examples``,
    ``attention_matrix`` and ``query_key``."""
    sound = [network for network in networks if network.status != "diverged"]
    shown = (sound or networks)[0]
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
    """The correlation of every layer and head, mean over prompts and their test points.

    ``signed_correlation``: times ``value_sign``.
    """
    k, similarity = prompts.x.shape[-2], similarities(prompts)[0][:, None]  # prompt 1 query k
    rows = []
    for layer, (pattern,) in enumerate(attention_patterns(network, prompts, first=k)):
        found = match_correlation(pattern, similarity.expand_as(pattern)).mean(dim=(0, 2))
        signed = value_sign(network, layer) * found
        rows += [
            {"layer": layer, "head": head, "k": k, "correlation": own, "signed_correlation": sign}
            for head, (own, sign) in enumerate(zip(found.tolist(), signed.tolist(), strict=True))
        ]
    return [row | {"n_prompts": prompts.x.shape[1]} for row in rows]


def long_table(
    values: list[Tensor], seed: int, axes: list[str], value: str, **common
) -> pd.DataFrame:
    """A row per entry of these tensors, one of each layer, with the places in ``axes`` from 0."""
    stacked = torch.stack(values).cpu().numpy() if values else np.empty([0] * (len(axes) + 1))
    places = np.indices(stacked.shape).reshape(stacked.ndim, -1)
    columns = {"seed": np.full(stacked.size, seed)}
    columns |= {name: np.full(stacked.size, own) for name, own in common.items()}
    columns |= dict(zip(["layer", *axes], places, strict=True))
    return pd.DataFrame(columns | {value: stacked.ravel()})


def example_attention(network: Network, held_out: HeldOut) -> pd.DataFrame:
    """Attention of the first query of some prompts; rank 1 is the best match of the context."""
    k, prompts = _examples(network, held_out)
    similarity, order = similarities(prompts)[0, :, 0].sort(dim=-1, descending=True)  # prompt k
    order = order[:, None].expand(-1, network.architecture.n_heads, -1)
    patterns = attention_patterns(network, prompts, first=k)
    weights = [own[0, :, :, 0].gather(-1, order).transpose(0, 1) for own in patterns]
    found = long_table(weights, network.seed, ["head", "prompt", "rank"], "weight", k=k)
    beside = similarity.cpu().numpy()[found["prompt"], found["rank"]]
    found.insert(found.columns.get_loc("weight"), "similarity", beside)
    return found.assign(rank=found["rank"] + 1)


def attention_matrix(network: Network, held_out: HeldOut) -> pd.DataFrame:
    """Attention of every token of the first example to its context; token k + 1 is the test point.

    Context tokens are numbered by their similarity to it, the most similar first.
    """
    k, prompts = _examples(network, held_out)
    order = similarities(prompts)[0, 0, 0].argsort(descending=True)
    rows = torch.cat([order, order.new_tensor([k])])
    # the keys' axis before the queries': the rows of a column follow one another
    patterns = attention_patterns(network, prompts, first=0)
    matrices = [own[0, 0][:, rows][..., order].mT for own in patterns]
    found = long_table(matrices, network.seed, ["head", "key_token", "query_token"], "weight", k=k)
    found[["query_token", "key_token"]] += 1
    return found[["seed", "k", "layer", "head", "query_token", "key_token", "weight"]]


def _examples(network: Network, held_out: HeldOut) -> tuple[int, Prompts]:
    """Their context length, of those measured, and the prompts."""
    k = min(network.settings["measured_at"], key=lambda length: abs(length - EXAMPLE_LENGTH))
    return k, tokens(held_out.prompts(k, N_EXAMPLES), network)


def query_key(network: Network) -> pd.DataFrame:
    """W_QK of every layer and head of a token network; rows and columns are x_1 … x_d, y.

    In the first layer the score is (query token)ᵀ W_QK (key token). No rows for an embedded
    network: no W_E takes its W_QK to tokens, because the LayerNorm before it is not linear.
    """
    weights, architecture = network.exact().weights, network.architecture
    n_layers = 0 if architecture.embedded else architecture.n_layers
    W_QK = [merged(weights, architecture, layer)[0][0] for layer in range(n_layers)]
    return long_table(W_QK, network.seed, ["head", "row", "column"], "value")


def attention_patterns(
    network: Network, prompts: Prompts, first: int
) -> list[Float[Tensor, "1 prompt head query k"]]:
    """With what weights tokens from number ``first`` on sum the context's values, for every layer.

    Softmax probabilities, or linear scores over their number. Tokens 0 … k − 1 are the context's,
    then come the test points. ``prompts`` have the coordinates that the network reads.
    """
    cache: dict[str, Tensor] = {}
    regression.run(network.weights, prompts, network.architecture, cache)
    layers = range(network.architecture.n_layers)
    return [cache[f"blocks.{layer}.attn.hook_pattern"][..., first:, :] for layer in layers]


def value_sign(network: Network, layer: int) -> Float[Tensor, "head"]:
    """Sign with which y_i of an attended token enters the prediction: that of −(W_V W_O)[y, y].

    A head that writes −y_i to tokens unlike the query does the same as one that writes y_i to
    tokens like it: the sign of a match means something only together with this one. Minus, because
    the network predicts minus the last coordinate of its stream. nan for an embedded network, whose
    stream has no coordinate y.
    """
    sign = -merged(network.weights, network.architecture, layer)[1][0, :, -1].sign()
    return sign * math.nan if network.architecture.embedded else sign


def match_correlation(
    attention: Float[Tensor, "*batch k"], similarity: Float[Tensor, "*batch k"]
) -> Float[Tensor, "*batch"]:
    """Spearman's rank correlation of attention and similarity over the context tokens, float64.

    Equal values share their mean rank. Weights that are all equal order nothing and count as 0.
    A row with a weight or similarity that is not finite is nan, as is a context of one token.
    """
    centred = [_ranks(values) for values in (attention, similarity)]
    product = (centred[0] * centred[1]).sum(-1)
    norm = (centred[0].square().sum(-1) * centred[1].square().sum(-1)).sqrt()
    correlation = torch.where(norm > 0, product / norm.clamp_min(1e-300), 0.0)
    finite = attention.isfinite().all(-1) & similarity.isfinite().all(-1)
    return correlation.where(finite & (attention.shape[-1] > 1), torch.nan)


def _ranks(values: Float[Tensor, "*batch k"]) -> Float[Tensor, "*batch k"]:
    """Ranks minus their mean; equal values share the mean of their ranks."""
    values = values.contiguous()
    ordered = values.sort(dim=-1).values
    below = torch.searchsorted(ordered, values)
    up_to = torch.searchsorted(ordered, values, right=True)
    return (below + up_to - values.shape[-1]).double() / 2
