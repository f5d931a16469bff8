"""Compare a softmax layer on the tokens with the kernel smoother that its weights describe.

Writes a row per seed, head and k. Measures of the whole network are repeated for its heads: its
risk beside the laws, and how much of its predictions the Nadaraya–Watson estimators explain that
have the bandwidth measured in the weights (nothing is tuned to the predictions).
"""

import argparse
import math
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pandas as pd
import torch

from mechanics.models.prompts import Prompts, squared_errors
from mechanics.regression.algorithms.kernel_smoother import (
    dot_product_smoother,
    gaussian_smoother,
    two_head_smoother,
)
from mechanics.regression.evaluation import RegressionRun, open_regression_run, predict
from mechanics.regression.laws import risk
from mechanics.regression.laws.softmax_law import (
    SoftmaxDraws,
    optimal_softmax,
    softmax_draws,
    softmax_head_risk,
)
from mechanics.regression.references import mixture_risk
from mechanics.regression.softmax_head import SoftmaxHeads, softmax_heads
from mechanics.runtime.device import choose_device
from mechanics.runtime.files import atomic
from mechanics.runtime.seeds import generator
from mechanics.settings import ConfigError
from mechanics.training.checkpoint import CheckpointError

N_PROMPTS = 4096
OPPOSITE = 0.1  # two heads are called opposite if |ω̂| and |μ̂| differ by less than this share


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, type=Path, help="folder of the run")
    parser.add_argument("--data", required=True, type=Path, help="the held-out prompts")
    parser.add_argument(
        "--output", required=True, type=Path, help="parquet out: seed, head, k, omega, risk, …"
    )
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    try:
        device = choose_device(arguments.device)
        run = open_regression_run(arguments.run, arguments.data, device)
        frame = measure_smoother(run)
    except (CheckpointError, ConfigError, ValueError) as error:
        sys.exit(f"measure_smoother.py: {error}")
    with atomic(arguments.output) as part:
        frame.to_parquet(part, index=False)


@torch.no_grad()
def measure_smoother(run: RegressionRun) -> pd.DataFrame:
    """All rows. Raises ValueError unless the network is one layer of softmax on the tokens."""
    d = run.settings["d"]
    heads = {}
    for seed in run.seeds:
        weights = {name: tensor.double() for name, tensor in run.weights(seed).items()}
        heads[seed] = softmax_heads(weights, run.network, d)
    k_max = max(run.settings["k_max"], *run.lengths)
    # replica 0 of this stream is the held-out prompts themselves
    draws = softmax_draws(d, k_max, N_PROMPTS, generator("evaluation", replica=1))
    references = reference_levels(run, draws)
    rows = []
    for k in run.lengths:
        prompts = run.prompts(k, N_PROMPTS)
        levels = references[k] | optimum_on(prompts, references[k], run.network.n_heads)
        for seed in run.seeds:
            network = predict(run.weights(seed), run.tokens(prompts), run.network).double()
            whole = {
                **describe_risk(network, prompts),
                "risk_law": head_law(heads[seed], k, draws),
                **levels,
                **compare_smoothers(network, heads[seed], prompts),
            }
            rows += [
                {"seed": seed, "head": head, "k": k, **own, **whole}
                for head, own in enumerate(describe_heads(heads[seed], d))
            ]
    return pd.DataFrame(rows)


def reference_levels(run: RegressionRun, draws: SoftmaxDraws) -> dict[int, dict[str, float]]:
    """Per k, what is best for the mixture of k: one or two heads, debiased step, plain step.

    nan for more than two heads; the debiased step is the law of two heads of small ω.
    """
    d, k_min, k_max = (run.settings[key] for key in ("d", "k_min", "k_max"))
    n_heads, trained = run.network.n_heads, range(k_min, k_max + 1)
    omega = scale = debiased = math.nan
    if n_heads <= 2:
        omega, scale = optimal_softmax(trained, n_heads, draws)
    if n_heads == 2:
        debiased = risk.optimal_debiased_step_size(d, trained)
    return {
        k: {
            "omega_optimum": omega,
            "scale_optimum": scale,
            "risk_optimum": softmax_head_risk(omega, scale, [k], min(n_heads, 2), draws),
            "risk_debiased": risk.debiased_risk(debiased, d, k),
            "risk_one_step": mixture_risk(d, k_min, k_max, k),
        }
        for k in run.lengths
    }


def optimum_on(prompts: Prompts, levels: dict[str, float], n_heads: int) -> dict[str, float]:
    """Risk of the optimum (ω*, μ*) on the very prompts that judge the network.

    Between 4096 prompts and 4096 others a risk differs by 1 to 3 %: the network is told from its
    optimum on the same ones.
    """
    parameters = levels["omega_optimum"], levels["scale_optimum"]
    smoother = dot_product_smoother if n_heads == 1 else two_head_smoother
    predictions = smoother(prompts, *parameters).double()
    return {"risk_optimum_same_prompts": describe_risk(predictions, prompts)["risk"]}


def describe_heads(heads: SoftmaxHeads, d: int) -> list[dict[str, float]]:
    """The columns that are a single head's own."""
    columns = {name: values[0].tolist() for name, values in asdict(heads).items()}
    own = [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
    return [{**row, "omega_unit": d**-0.5} for row in own]


def describe_risk(network: torch.Tensor, prompts: Prompts) -> dict[str, float]:
    """Risk of predictions [1 prompt query] and its standard error over prompts."""
    errors = squared_errors(network, prompts)[0] / prompts.x.shape[-1]
    spread = (errors.std() / len(errors) ** 0.5).item()
    return {"risk": errors.mean().item(), "risk_se": spread, "n_prompts": len(errors)}


def head_law(heads: SoftmaxHeads, k: int, draws: SoftmaxDraws) -> float:
    """Risk at the measured ω̂ and μ̂, of one head or of two that are opposite; nan for others."""
    omega, scale = heads.omega[0].cpu(), heads.scale[0].cpu()
    if len(omega) == 2 and are_opposite(omega) and are_opposite(scale):
        halves = [((first - second) / 2).item() for first, second in (omega, scale)]
        return softmax_head_risk(*halves, [k], 2, draws)
    if len(omega) == 1:
        return softmax_head_risk(omega.item(), scale.item(), [k], 1, draws)
    return math.nan


def are_opposite(pair: torch.Tensor) -> bool:
    """Whether two numbers have opposite signs and about the same size."""
    return bool(pair.sum().abs() < OPPOSITE * pair.abs().max())


def compare_smoothers(
    network: torch.Tensor, heads: SoftmaxHeads, prompts: Prompts
) -> dict[str, float]:
    """E|ŷ − ŷ_NW| and R² of the network's predictions for both kernels, and the NW's own risk.

    A Gaussian kernel needs ω̂ > 0 for a bandwidth h = ω̂^-½; it is nan if a head has none.
    """
    pairs = list(zip(heads.omega[0].tolist(), heads.scale[0].tolist(), strict=True))
    exact = Prompts(*(t.double() for t in (prompts.x, prompts.y, prompts.x_test, prompts.y_test)))
    smoothers = {"exponential": [partial(dot_product_smoother, omega=o, scale=s) for o, s in pairs]}
    if all(omega > 0 for omega, _ in pairs):
        smoothers["gaussian"] = [partial(scaled_gaussian, omega=o, scale=s) for o, s in pairs]
    row = {}
    for name in ("exponential", "gaussian"):
        predictions = torch.full_like(network, math.nan)
        if name in smoothers:
            predictions = sum(smoother(exact) for smoother in smoothers[name])
        remainder = network - predictions
        row[f"risk_{name}"] = describe_risk(predictions, prompts)["risk"]
        row[f"preds_diff_{name}"] = remainder.abs().mean().item()
        unexplained = remainder.square().mean() / network.var(correction=0)
        row[f"r_squared_{name}"] = 1 - unexplained.item()
    return row


def scaled_gaussian(prompts: Prompts, omega: float, scale: float) -> torch.Tensor:
    return scale * gaussian_smoother(prompts, omega**-0.5)


if __name__ == "__main__":
    main()
