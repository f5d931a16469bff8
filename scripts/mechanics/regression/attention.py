"""The attention of every head of regression networks beside the similarity x_iᵀx_test.

A head that looks up similar examples gives a context token the more weight the larger its
x_iᵀx_test is. That is asked in ranks (Spearman), which serves linear scores and softmax
probabilities alike. The untrained network and the test points of other prompts are the nulls.
"""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models.attention import attention_pattern, split_heads
from mechanics.models.prompts import Prompts, mean_and_error
from mechanics.models.regression import Parameters
from mechanics.models.transformer import Architecture, normalise
from mechanics.models.weights import Network
from mechanics.regression.algorithms import similarities
from mechanics.regression.effective_weights import merged
from mechanics.regression.held_out import HeldOut, residual_streams, tokens, untrained

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
        for head in range(architecture.n_heads):
            pattern = patterns[0, :, head]  # prompt query k
            correlation, error = over_prompts(match_correlation(pattern, similarity))
            null, null_error = over_prompts(match_correlation(pattern, shuffled))
            sign = math.nan
            if not architecture.embedded:
                sign = value_sign(weights, architecture, layer)[0, head].item()
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
    patterns = attention_weights(network.weights, prompts, network.architecture)
    order = order[:, None].expand(-1, network.architecture.n_heads, -1)
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
    patterns = attention_weights(network.weights, prompts, network.architecture, every=True)
    # the keys' axis before the queries': the rows of a column follow one another
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


def attention_weights(
    parameters: Parameters, prompts: Prompts, architecture: Architecture, every: bool = False
) -> list[Float[Tensor, "seed prompt head query k"]]:
    """With what weights the query tokens sum the context's values, for every layer.

    Softmax probabilities, or linear scores divided by k (``attention_pattern``), at the network's
    own residual streams. ``prompts`` have the coordinates that the network reads. ``every``: the
    context's tokens are queries too, and come first.
    """
    k = prompts.x.shape[-2]
    first = 0 if every else k
    mask = None if prompts.mask is None else prompts.mask[:, :, None, None, :]
    patterns = []
    for layer, stream in enumerate(residual_streams(parameters, prompts, architecture)[:-1]):
        name = f"blocks.{layer}"
        normed = normalise(stream, parameters, f"{name}.ln1", architecture)
        query, key = (
            split_heads(own, parameters[f"{name}.attn.W_{letter}"]).transpose(-2, -3)
            for letter, own in (("Q", normed[..., first:, :]), ("K", normed[..., :k, :]))
        )
        scores = query @ key.transpose(-1, -2) * architecture.score_scale
        zero_tokens = architecture.zero_tokens
        patterns.append(attention_pattern(scores, architecture.attention, mask, zero_tokens))
    return patterns


def value_sign(
    parameters: Parameters, architecture: Architecture, layer: int
) -> Float[Tensor, "seed head"]:
    """Sign with which y_i of an attended token enters the prediction: that of −(W_V W_O)[y, y].

    A head that writes −y_i to tokens unlike the query does the same as one that writes y_i to
    tokens like it: the sign of a match means something only together with this one. Minus, because
    the network predicts minus the last coordinate of its stream.

    Raises ValueError for an embedded network, whose stream has no coordinate y.
    """
    if architecture.embedded:
        raise ValueError("the value path has a sign on tokens only, not in an embedded stream")
    W_V, W_O = (parameters[f"blocks.{layer}.attn.W_{letter}"] for letter in "VO")
    return -torch.einsum("shi,shi->sh", W_V[:, :, -1], W_O[..., -1]).sign()


def shuffled_similarities(prompts: Prompts) -> Float[Tensor, "seed prompt query k"]:
    """x_iᵀx_test with the test points of the prompt before: what a head cannot know of.

    An x_test of another prompt is as likely as its negative, so that no correlation with these
    similarities can have a mean other than zero.

    Raises ValueError for a single prompt.
    """
    if prompts.x.shape[1] < 2:
        raise ValueError("test points of another prompt need at least two prompts")
    return similarities(replace(prompts, x_test=prompts.x_test.roll(1, dims=1)))


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


def top_weight(
    attention: Float[Tensor, "*batch k"], similarity: Float[Tensor, "*batch k"]
) -> Float[Tensor, "*batch"]:
    """k × the attention at the best match, the token with the largest x_iᵀx_test.

    1 is what uniform attention gives; for linear attention, whose weights need not sum to one, it
    is the score itself.
    """
    best = similarity.argmax(dim=-1, keepdim=True)
    return attention.gather(-1, best)[..., 0] * attention.shape[-1]
