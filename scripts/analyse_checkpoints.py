"""Follow one regression run through all its checkpoints: which algorithm is it like, and when?

At every checkpoint, on the prompts of the learning curves: the effective weights g = ∂ŷ/∂x_test
beside those of gradient descent and least squares, with a null; Γ̂ where it is defined; and
preds diff, model diff and model cos against every reference algorithm.
"""

import argparse
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models.prompts import Prompts
from mechanics.regression.algorithms.context import second_moments
from mechanics.regression.effective_weights import describe_step
from mechanics.regression.evaluation import RegressionRun, open_regression_run
from mechanics.regression.references import reference_answers, reference_predictors
from mechanics.regression.sensitivity import (
    Answers,
    answers,
    correlation,
    fitted_step_size,
    mean_cosine,
    similarities,
)
from mechanics.runtime.device import choose_device
from mechanics.runtime.files import atomic
from mechanics.runtime.seeds import generator
from mechanics.settings import ConfigError
from mechanics.training.checkpoint import CheckpointError


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, type=Path, help="folder of the run")
    parser.add_argument("--data", required=True, type=Path, help="the held-out prompts")
    parser.add_argument(
        "--effective-weights", required=True, type=Path, help="parquet out: seed, step, k, …"
    )
    parser.add_argument(
        "--algorithms", required=True, type=Path, help="parquet out: seed, step, k, algorithm, …"
    )
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    try:
        opened = open_regression_run(arguments.run, arguments.data, device)
        weights, algorithms = analyse(opened)
    except (CheckpointError, ConfigError) as error:
        sys.exit(f"analyse_checkpoints.py: {error}")
    for path, rows in ((arguments.effective_weights, weights), (arguments.algorithms, algorithms)):
        with atomic(path) as part:
            pd.DataFrame(rows).to_parquet(part, index=False)


def analyse(opened: RegressionRun) -> tuple[list[dict], list[dict]]:
    """Rows of the effective weights and of the similarities, for every seed, checkpoint and k."""
    settings = opened.settings
    predictors = reference_predictors(settings["d"], settings["k_min"], settings["k_max"])
    effective, algorithms = [], []
    for k in settings["measured_at"]:
        prompts = opened.prompts(k, settings["n_prompts_history"])
        references = reference_answers(predictors, prompts)
        gradients = gradient_of(prompts), gradient_of(shuffled(prompts))
        for seed in opened.seeds:
            for step in opened.run.steps(seed):
                weights = opened.weights(seed, step)
                own = answers(partial(opened.predictor, weights), prompts)
                common = {"seed": seed, "step": step, "k": k}
                described = describe_step(weights, opened.network, settings)
                beside = describe_effective_weights(own, references["OLS"][0], *gradients)
                effective.append({**common, **described, **beside})
                algorithms += [
                    {**common, "algorithm": name, **alike}
                    for name, alike in similarities(own, references).items()
                ]
    return effective, algorithms


def gradient_of(prompts: Prompts) -> Float[Tensor, "prompt d"]:
    """G = XᵀY/k, to which W_GD = ηXᵀY is proportional."""
    return second_moments(prompts.x.double(), prompts.y.double())[1][0]


def shuffled(prompts: Prompts) -> Prompts:
    """The same prompts with each context's y in another order: a control that knows nothing."""
    order = torch.rand(prompts.y.shape, generator=generator("evaluation", replica=3)).argsort(-1)
    return replace(prompts, y=prompts.y.gather(-1, order.to(prompts.y.device)))


def describe_effective_weights(
    own: Answers,
    least_squares: Answers,
    gradient: Float[Tensor, "prompt d"],
    shuffled_gradient: Float[Tensor, "prompt d"],
) -> dict[str, float]:
    """Pearson's correlation and mean cosine of g with W_GD and W_OLS, and the fitted step size."""
    g, one_step, nothing = own.sensitivities, gradient[:, None], shuffled_gradient[:, None]
    return {
        "fitted_step_size": fitted_step_size(g, gradient),
        "correlation_gd": correlation(g, one_step),
        "correlation_ols": correlation(g, least_squares.sensitivities),
        "correlation_shuffled": correlation(g, nothing),
        "cosine_gd": mean_cosine(g, one_step),
        "cosine_ols": mean_cosine(g, least_squares.sensitivities),
    }


if __name__ == "__main__":
    main()
