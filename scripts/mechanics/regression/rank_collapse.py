"""Rank collapse (Dong et al. 2021) of deep softmax networks, trained and untrained.

For the network and its ablations (no skip connections, no MLPs, attention only): how far its
context tokens are from being all the same after each layer, what the ablation costs in risk, and
for attention alone where the bound of Dong et al. applies to a layer and how near it comes.
Prompts are the first held-out ones of the greatest stored length; arithmetic is float64.
"""

import math
from dataclasses import dataclass, fields

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models.prompts import Prompts, mean_and_error, squared_errors
from mechanics.models.regression import read_out
from mechanics.models.transformer import normalise
from mechanics.models.weights import Network
from mechanics.regression.held_out import HeldOut, tokens, untrained
from mechanics.regression.laws.attention_bound import (
    NORMS,
    ROUNDING,
    attention_bound,
    residual_ratio,
)
from mechanics.regression.residual_stream import residual_streams

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
                parts = [measure_chunk(own, chunk, variant) for chunk in prompts.chunks(CHUNK)]
                collapse = Collapse.of(parts)
                about["risk"] = float(collapse.error.mean()) / held_out.d
                rows += [about | row for row in collapse.rows()]
    return pd.DataFrame(rows)


@dataclass
class Collapse:
    """What is measured of one variant of one replica, prompt by prompt (layer 0: embedding)."""

    ratio: Float[Tensor, "prompt norm layer"]
    condition: Float[Tensor, "prompt layer"]  # 1 where it holds, 0 where not, nan: no theorem
    bound: Float[Tensor, "prompt layer"]
    bound_ratio: Float[Tensor, "prompt layer"]
    error: Float[Tensor, "prompt"]

    @classmethod
    def of(cls, parts: "list[Collapse]") -> "Collapse":
        names = [field.name for field in fields(cls)]
        return cls(*(torch.cat([getattr(part, name) for part in parts]) for name in names))

    def rows(self) -> list[dict]:
        """Means and medians over prompts, a row per norm and layer."""
        n_prompts, _, n_layers = self.ratio.shape
        rows = []
        for index, norm in enumerate(NORMS):
            for layer in range(n_layers):
                ratio = self.ratio[:, index, layer]
                mean, error = mean_and_error(ratio)
                theorem = norm == "composite"
                row = {"layer": layer, "norm": norm, "n_prompts": n_prompts}
                row |= {"ratio": float(mean), "ratio_median": median(ratio)}
                row["ratio_se"] = float(error)
                row["condition_share"] = (
                    float(self.condition[:, layer].mean()) if theorem else math.nan
                )
                row["bound"] = median(self.bound[:, layer]) if theorem else math.nan
                row["bound_ratio"] = median(self.bound_ratio[:, layer]) if theorem else math.nan
                rows.append(row)
        return rows


def median(values: Float[Tensor, "prompt"]) -> float:
    """Of those that are not nan; nan if all are."""
    return float(pd.Series(values.cpu().numpy()).median())


def measure_chunk(network: Network, prompts: Prompts, variant: str) -> Collapse:
    """Some prompts, through the network or an ablation of it."""
    weights, architecture, k = network.weights, network.architecture, prompts.x.shape[-2]
    streams = residual_streams(weights, prompts, architecture, **VARIANTS[variant])
    context = [stream[..., :k, :] for stream in streams]
    ratio = [torch.stack([residual_ratio(c, n)[0] for n in NORMS], -1) for c in context]
    nan = torch.full((ratio[0].shape[0], len(streams)), math.nan).to(ratio[0])
    condition, bound, bound_ratio = nan.clone(), nan.clone(), nan.clone()
    if variant == "attention_only":
        for layer, stream in enumerate(context[:-1]):
            normed = normalise(stream, weights, f"blocks.{layer}.ln1", architecture)
            found = attention_bound(normed, weights, layer, architecture)
            condition[:, layer + 1] = found.holds()[0]
            rounded = residual_ratio(normed, "composite") <= ROUNDING
            bound[:, layer + 1] = found.bound_as_ratio().masked_fill(rounded, math.nan)[0]
            bound_ratio[:, layer + 1] = found.bound_over_measured()[0]
    predictions = read_out(streams[-1][..., k:, :], weights, architecture)
    error = squared_errors(predictions, prompts)[0]
    return Collapse(torch.stack(ratio, -1), condition, bound, bound_ratio, error)
