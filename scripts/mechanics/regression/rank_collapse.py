"""Rank collapse (Dong et al. 2021) of deep softmax networks, trained and untrained.

For the network and its ablations (no skip connections, no MLPs, attention only): how far its
context tokens are from being all the same after each layer, what the ablation costs in risk, and
for attention alone where the bound of Dong et al. applies to a layer and how near it comes.
Prompts are the first held-out ones of the greatest stored length; arithmetic is float64.
"""

import math

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models.prompts import Prompts, mean_and_error, squared_errors
from mechanics.models.regression import read_out
from mechanics.models.transformer import normalise
from mechanics.models.weights import Network
from mechanics.regression.held_out import HeldOut, residual_streams, tokens, untrained
from mechanics.regression.laws.attention_bound import (
    NORMS,
    ROUNDING,
    attention_bound,
    residual_ratio,
)

N_PROMPTS = 1024
CHUNK = 128  # prompts at a time: bounds the memory of the streams
# the arguments of ``residual_streams`` for the network and its ablations (Dong et al., section 4)
VARIANTS = {
    "whole": {"skips": True, "mlps": True},
    "no_skip": {"skips": False, "mlps": True},
    "no_mlp": {"skips": True, "mlps": False},
    "attention_only": {"skips": False, "mlps": False},
}


@torch.no_grad()
def rank_collapse(networks: list[Network], held_out: HeldOut) -> pd.DataFrame:
    """A row per seed, trained or not, variant, layer (0: the embedding) and norm.

    ``ratio`` is the mean over prompts of ‖res(X)‖ / ‖X‖, ``ratio_se`` its standard error,
    ``ratio_median`` the median, which a few prompts that collapse late do not move; ``risk`` is the
    variant's MSE / d. Of the attention that wrote the layer: ``condition_share``, the share of
    prompts that meet the theorem's condition; ``bound``, what the theorem then leaves of the ratio
    (above 1 it says nothing), and ``bound_ratio``, bound / measured: medians over those of these
    prompts where what goes in (``bound``) and what comes out (``bound_ratio``) is more than
    rounding; nan if there are none. The three are nan for other variants than attention alone, for
    the Frobenius norm and for layer 0.

    Raises ValueError for linear attention and for a single layer.
    """
    first, k = networks[0], max(held_out.lengths)
    if first.settings["attention"] != "softmax" or first.settings["n_layers"] < 2:
        raise ValueError(
            f"{first.model}: expected softmax attention in at least 2 layers, found"
            f" {first.settings['attention']} attention, n_layers = {first.settings['n_layers']}"
        )
    # in float32 the residual of collapsed tokens would drown in rounding
    prompts = tokens(held_out.prompts(k, N_PROMPTS), first).double()
    rows = []
    for network in networks:
        for trained in (False, True):
            own = (network if trained else untrained(network)).exact()
            for variant in VARIANTS:
                about = {"seed": network.seed, "trained": trained, "k": k, "variant": variant}
                chunks = [measure_chunk(own, chunk, variant) for chunk in prompts.chunks(CHUNK)]
                found = {name: torch.cat([part[name] for part in chunks]) for name in chunks[0]}
                about["risk"] = float(found.pop("error").mean()) / held_out.d
                rows += [about | row for row in summary(**found)]
    return pd.DataFrame(rows)


def summary(
    ratio: Float[Tensor, "prompt norm layer"],
    condition: Float[Tensor, "prompt layer"],
    bound: Float[Tensor, "prompt layer"],
    bound_ratio: Float[Tensor, "prompt layer"],
) -> list[dict]:
    """Means and medians over prompts, a row per norm and layer."""
    rows = []
    for index, norm in enumerate(NORMS):
        for layer in range(ratio.shape[-1]):
            own = ratio[:, index, layer]
            mean, error = map(float, mean_and_error(own))
            row = {"layer": layer, "norm": norm, "n_prompts": len(ratio)}
            row |= {"ratio": mean, "ratio_median": median(own), "ratio_se": error}
            row |= dict.fromkeys(("condition_share", "bound", "bound_ratio"), math.nan)
            if norm == "composite":
                row["condition_share"] = float(condition[:, layer].mean())
                row["bound"] = median(bound[:, layer])
                row["bound_ratio"] = median(bound_ratio[:, layer])
            rows.append(row)
    return rows


def median(values: Float[Tensor, "prompt"]) -> float:
    """Of those that are not nan; nan if all are."""
    return float(pd.Series(values.cpu().numpy()).median())


def measure_chunk(network: Network, prompts: Prompts, variant: str) -> dict[str, Tensor]:
    """Some prompts, through the network or an ablation of it: what ``summary`` takes, and the error
    of every prompt. ``condition`` is 1 where it holds, 0 where not, nan where there is no theorem.
    """
    weights, architecture, k = network.weights, network.architecture, prompts.x.shape[-2]
    streams = residual_streams(weights, prompts, architecture, **VARIANTS[variant])
    context = [stream[..., :k, :] for stream in streams]
    ratio = [torch.stack([residual_ratio(c, n)[0] for n in NORMS], -1) for c in context]
    nothing = torch.full((len(ratio[0]), 3), math.nan).to(ratio[0])
    of_layers = [nothing for _ in streams]
    if variant == "attention_only":
        for layer, stream in enumerate(context[:-1]):
            normed = normalise(stream, weights, f"blocks.{layer}.ln1", architecture)
            found = attention_bound(normed, weights, layer, architecture)
            rounded = residual_ratio(normed, "composite") <= ROUNDING
            bound = found.bound_as_ratio().masked_fill(rounded, math.nan)
            columns = found.holds()[0], bound[0], found.bound_over_measured()[0]
            of_layers[layer + 1] = torch.stack(columns, -1)
    condition, bound, bound_ratio = torch.stack(of_layers, -1).unbind(1)
    predictions = read_out(streams[-1][..., k:, :], weights, architecture)
    return {
        "error": squared_errors(predictions, prompts)[0],
        "ratio": torch.stack(ratio, -1),
        "condition": condition,
        "bound": bound,
        "bound_ratio": bound_ratio,
    }
