"""Judge the final weights of one regression run on the held-out prompts, at every stored k.

Writes the risk of each seed, and how far its predictions are from those of every reference
algorithm on the same prompts.
"""

import argparse
import math
from pathlib import Path

import pandas as pd
import torch

from mechanics.circuits.effective_weights import (
    is_one_linear_layer,
    isotropy_distance,
    preconditioner,
    step_size,
)
from mechanics.device import choose_device
from mechanics.models import regression
from mechanics.references import reference_predictors
from mechanics.tasks.linear_regression import Prompts, squared_errors
from mechanics.training.checkpoint import Run, atomic, read_tensors
from mechanics.training.objectives import architecture, evaluation_prompts

CHUNK = 1024  # prompts at a time: bounds the memory of the deep networks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, type=Path, help="folder of the run")
    parser.add_argument("--data", required=True, type=Path, help="the held-out prompts")
    parser.add_argument("--risk", required=True, type=Path, help="parquet out: seed, k, risk, …")
    parser.add_argument(
        "--distances", required=True, type=Path, help="parquet out: seed, k, algorithm, preds_diff"
    )
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    run = Run(arguments.run)
    stored, data_settings = read_tensors(arguments.data)
    settings = run.settings
    predictors = reference_predictors(settings["d"], settings["k_min"], settings["k_max"])
    steps = {seed: describe_step(run, seed) for seed in run.seeds}
    risks, distances = [], []
    for k in data_settings["context_lengths"]:
        prompts = evaluation_prompts(stored, k).to(device)
        references = {name: predictor(prompts) for name, predictor in predictors.items()}
        for seed in run.seeds:
            predictions = predict(run, seed, prompts)
            risk = describe_risk(predictions, prompts)
            risks.append({"seed": seed, "k": k, **risk, **steps[seed]})
            distances += [
                {"seed": seed, "k": k, "algorithm": name, "preds_diff": difference}
                for name, difference in preds_diff(predictions, references).items()
            ]
    for path, rows in ((arguments.risk, risks), (arguments.distances, distances)):
        with atomic(path) as part:
            pd.DataFrame(rows).to_parquet(part, index=False)


@torch.no_grad()
def predict(run: Run, seed: int, prompts: Prompts) -> torch.Tensor:
    """Predictions [1, prompt, query] of one seed's final weights."""
    weights = {name: tensor.to(prompts.x.device) for name, tensor in run.final(seed).items()}
    network = architecture(run.settings)
    tensors = (prompts.x, prompts.y, prompts.x_test, prompts.y_test)
    chunks = zip(*(tensor.split(CHUNK, dim=1) for tensor in tensors), strict=True)
    return torch.cat([regression.forward(weights, Prompts(*c), network) for c in chunks], dim=1)


def describe_risk(predictions: torch.Tensor, prompts: Prompts) -> dict[str, float]:
    """Mean, its standard error, and median over prompts of the squared error divided by d."""
    d = prompts.x.shape[-1]
    errors = squared_errors(predictions.double(), prompts)[0] / d
    return {
        "risk": float(errors.mean()),
        "risk_se": float(errors.std() / len(errors) ** 0.5),
        "risk_median": float(errors.median()),
        "n_prompts": len(errors),
    }


def describe_step(run: Run, seed: int) -> dict[str, float]:
    """ĉ and isotropy distance of the final weights; nan where the network is no single step."""
    network = architecture(run.settings)
    if not is_one_linear_layer(network):
        return {"c_hat": math.nan, "isotropy": math.nan}
    weights = {name: tensor.double() for name, tensor in run.final(seed).items()}
    gamma = preconditioner(weights, network)
    return {"c_hat": float(step_size(gamma)), "isotropy": float(isotropy_distance(gamma))}


def preds_diff(predictions: torch.Tensor, references: dict) -> dict[str, float]:
    """E|ŷ − ŷ_algorithm| over prompts and test points (von Oswald et al. 2023)."""
    return {
        name: float((predictions - other).abs().double().mean())
        for name, other in references.items()
    }


if __name__ == "__main__":
    main()
