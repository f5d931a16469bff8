"""Judge the final weights of one regression run on the held-out prompts, at every stored k.

Writes the risk of each seed, and how alike it is to every reference algorithm on the same prompts.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

import pandas as pd
import torch

from mechanics.models.prompts import Prompts, squared_errors
from mechanics.regression.effective_weights import describe_step
from mechanics.regression.evaluation import RegressionRun, open_regression_run, predict
from mechanics.regression.references import reference_answers, reference_predictors
from mechanics.regression.sensitivity import answers, similarities
from mechanics.runtime.device import choose_device
from mechanics.runtime.files import atomic
from mechanics.settings import ConfigError
from mechanics.training.checkpoint import CheckpointError

N_COMPARED = 2048  # prompts that are compared with the algorithms; the risk takes all of them
DIVERGED_RISK = 10.0  # a prompt whose error is this many times what predicting zero costs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, type=Path, help="folder of the run")
    parser.add_argument("--data", required=True, type=Path, help="the held-out prompts")
    parser.add_argument("--risk", required=True, type=Path, help="parquet out: seed, k, risk, …")
    parser.add_argument(
        "--distances", required=True, type=Path, help="parquet out: seed, k, algorithm, …"
    )
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    try:
        opened = open_regression_run(arguments.run, arguments.data, device)
        risks, distances = evaluate(opened)
    except (CheckpointError, ConfigError) as error:
        sys.exit(f"evaluate_regression.py: {error}")
    for path, rows in ((arguments.risk, risks), (arguments.distances, distances)):
        with atomic(path) as part:
            pd.DataFrame(rows).to_parquet(part, index=False)


def evaluate(opened: RegressionRun) -> tuple[list[dict], list[dict]]:
    """Rows of the risk and of the distances, for every seed and stored context length."""
    settings = opened.settings
    predictors = reference_predictors(settings["d"], settings["k_min"], settings["k_max"])
    risks, distances = [], []
    for k in opened.lengths:
        prompts, compared = opened.prompts(k), opened.prompts(k, N_COMPARED)
        references = reference_answers(predictors, compared)
        for seed in opened.seeds:
            weights = opened.weights(seed)
            predictions = predict(weights, opened.tokens(prompts), opened.network)
            risk = describe_risk(predictions, prompts)
            step = describe_step(weights, opened.network, settings)
            risks.append({"seed": seed, "k": k, **risk, **step})
            own = answers(partial(opened.predictor, weights), compared)
            distances += [
                {"seed": seed, "k": k, "algorithm": name, **alike}
                for name, alike in similarities(own, references).items()
            ]
    return risks, distances


def describe_risk(predictions: torch.Tensor, prompts: Prompts) -> dict[str, float]:
    """The squared error divided by d: mean over prompts, its standard error, median, tail."""
    d = prompts.x.shape[-1]
    errors = squared_errors(predictions.double(), prompts)[0] / d
    return {
        "risk": float(errors.mean()),
        "risk_se": float(errors.std() / len(errors) ** 0.5),
        "risk_median": float(errors.median()),
        "diverged_share": float((~(errors <= DIVERGED_RISK)).double().mean()),  # nan has diverged
        "n_prompts": len(errors),
    }


if __name__ == "__main__":
    main()
