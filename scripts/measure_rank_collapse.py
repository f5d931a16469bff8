"""Measure rank collapse (Dong et al. 2021) of one deep softmax network, trained and untrained.

For the network and its ablations (no skip connections, no MLPs, attention only): how far its
context tokens are from being all the same after each layer, what the ablation costs in risk, and
for attention alone where the bound of Dong et al. applies to a layer and how near it comes.
Prompts are the first held-out ones of the greatest stored length; arithmetic is float64.
"""

import argparse
import math
import sys
from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models.prompts import Prompts, squared_errors
from mechanics.models.regression import read_out
from mechanics.models.transformer import Architecture, normalise
from mechanics.regression.evaluation import RegressionRun, open_regression_run
from mechanics.regression.rank_collapse import (
    NORMS,
    ROUNDING,
    VARIANTS,
    attention_bound,
    residual_ratio,
)
from mechanics.regression.residual_stream import residual_streams
from mechanics.runtime.device import choose_device
from mechanics.runtime.files import atomic
from mechanics.settings import ConfigError
from mechanics.training.checkpoint import CheckpointError

N_PROMPTS = 1024
CHUNK = 128  # prompts at a time: bounds the memory of the streams


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, type=Path, help="folder of a deep softmax run")
    parser.add_argument("--data", required=True, type=Path, help="the held-out prompts")
    parser.add_argument(
        "--output",
        required=True,
        type=Path,
        help="parquet out: seed, trained, k, variant, layer, norm, ratio, …",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    arguments = parser.parse_args()
    try:
        device = choose_device(arguments.device)
        run = open_regression_run(arguments.run, arguments.data, device)
        frame = measure(run)
    except (CheckpointError, ConfigError, ValueError) as error:
        sys.exit(f"measure_rank_collapse.py: {error}")
    with atomic(arguments.output) as part:
        frame.to_parquet(part, index=False)


def measure(run: RegressionRun) -> pd.DataFrame:
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
    network, k = run.network, max(run.lengths)
    if network.attention != "softmax" or network.n_layers < 2:
        raise ValueError(
            f"{run.run.folder}: expected softmax attention in at least 2 layers, found"
            f" {network.attention} attention, n_layers = {network.n_layers}"
        )
    prompts = as_float64(run.tokens(run.prompts(k, N_PROMPTS)))
    rows = []
    for seed in run.seeds:
        for trained in (False, True):
            weights = run.weights(seed, None if trained else 0)
            weights = {name: tensor.double() for name, tensor in weights.items()}
            for variant in VARIANTS:
                about = {"seed": seed, "trained": trained, "k": k, "variant": variant}
                collapse = measure_variant(weights, prompts, network, variant)
                about["risk"] = float(collapse.error.mean()) / run.settings["d"]
                rows += [about | row for row in collapse.rows()]
    return pd.DataFrame(rows)


def as_float64(prompts: Prompts) -> Prompts:
    """In float32 the residual of collapsed tokens would drown in rounding."""
    tensors = (prompts.x, prompts.y, prompts.x_test, prompts.y_test)
    return Prompts(*(tensor.double() for tensor in tensors))


@dataclass
class Collapse:
    """What is measured of one variant of one replica, prompt by prompt (layer 0: embedding)."""

    ratio: Float[Tensor, "prompt norm layer"]
    condition: Float[Tensor, "prompt layer"]  # 1 where it holds, 0 where not, nan: no theorem
    bound: Float[Tensor, "prompt layer"]
    bound_ratio: Float[Tensor, "prompt layer"]
    error: Float[Tensor, "prompt"]

    def rows(self) -> list[dict]:
        """Means and medians over prompts, a row per norm and layer."""
        n_prompts, _, n_layers = self.ratio.shape
        rows = []
        for index, norm in enumerate(NORMS):
            for layer in range(n_layers):
                ratio = self.ratio[:, index, layer]
                theorem = norm == "composite"
                row = {"layer": layer, "norm": norm, "n_prompts": n_prompts}
                row |= {"ratio": float(ratio.mean()), "ratio_median": median(ratio)}
                row["ratio_se"] = float(ratio.std()) / n_prompts**0.5
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


@torch.no_grad()
def measure_variant(
    weights: dict[str, Tensor], prompts: Prompts, network: Architecture, variant: str
) -> Collapse:
    """All prompts, in chunks."""
    tensors = (prompts.x, prompts.y, prompts.x_test, prompts.y_test)
    chunks = zip(*(tensor.split(CHUNK, dim=1) for tensor in tensors), strict=True)
    parts = [measure_chunk(weights, Prompts(*chunk), network, variant) for chunk in chunks]
    names = [field.name for field in fields(Collapse)]
    return Collapse(*(torch.cat([getattr(part, name) for part in parts]) for name in names))


def measure_chunk(
    weights: dict[str, Tensor], prompts: Prompts, network: Architecture, variant: str
) -> Collapse:
    k = prompts.x.shape[-2]
    streams = residual_streams(weights, prompts, network, **VARIANTS[variant])
    context = [stream[..., :k, :] for stream in streams]
    ratio = [torch.stack([residual_ratio(c, n)[0] for n in NORMS], -1) for c in context]
    nan = torch.full((ratio[0].shape[0], len(streams)), math.nan).to(ratio[0])
    condition, bound, bound_ratio = nan.clone(), nan.clone(), nan.clone()
    if variant == "attention_only":
        for layer, stream in enumerate(context[:-1]):
            normed = normalise(stream, weights, f"blocks.{layer}.ln1", network)
            found = attention_bound(normed, weights, layer, network)
            condition[:, layer + 1] = found.holds()[0]
            rounded = residual_ratio(normed, "composite") <= ROUNDING
            bound[:, layer + 1] = found.bound_as_ratio().masked_fill(rounded, math.nan)[0]
            bound_ratio[:, layer + 1] = found.bound_over_measured()[0]
    predictions = read_out(streams[-1][..., k:, :], weights, network)
    error = squared_errors(predictions, prompts)[0]
    return Collapse(torch.stack(ratio, -1), condition, bound, bound_ratio, error)


if __name__ == "__main__":
    main()
