"""The effective weights of a regression run, at every checkpoint, beside those of algorithms."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models.prompts import Prompts
from mechanics.models.weights import network_at
from mechanics.regression.algorithms import ordinary_least_squares, second_moments
from mechanics.regression.effective_weights import describe_step
from mechanics.regression.held_out import HeldOut, expect_regression, predictor, read_held_out
from mechanics.regression.sensitivity import (
    Answers,
    answers,
    correlation,
    fitted_step_size,
    mean_cosine,
)
from mechanics.runtime.seeds import generator
from mechanics.training.checkpoint import Run


def follow(folder: Path, data: list[Path], device: torch.device) -> dict[str, pd.DataFrame]:
    """The tables ``measures.FOLLOWED`` of a run. ``data``: the file of the held-out prompts.

    Raises CheckpointError for no finished run, ConfigError for prompts of another d or k.
    """
    run = Run(folder)
    held_out = read_held_out(data[0], device, run.settings)
    for seed in run.seeds:
        expect_regression(network_at(run, seed, run.steps(seed)[-1]), held_out, folder)
    return {"effective_weights": effective_weights(run, held_out)}


def effective_weights(run: Run, held_out: HeldOut) -> pd.DataFrame:
    """A row per k, seed and checkpoint, on the prompts of the learning curves: g = ∂ŷ/∂x_test
    beside those of gradient descent and least squares, with a null, and Γ̂ where it is defined.
    """
    settings = run.settings
    checkpoints = [(seed, step) for seed in run.seeds for step in run.steps(seed)]
    rows = []
    for k in settings["measured_at"]:
        prompts = held_out.prompts(k, settings["n_prompts_history"])
        least_squares = answers(ordinary_least_squares, prompts)
        pair = prompts, shuffled(prompts)
        # G = XᵀY/k, to which W_GD = ηXᵀY is proportional
        gradients = [second_moments(p.x.double(), p.y.double())[1][0] for p in pair]
        for seed, step in checkpoints:
            network = network_at(run, seed, step).to(held_out.device)
            own = answers(predictor(network), prompts)
            common = {"seed": seed, "step": step, "k": k}
            described = describe_step(network.weights, network.architecture, settings)
            beside = describe_effective_weights(own, least_squares, *gradients)
            rows.append({**common, **described, **beside})
    return pd.DataFrame(rows)


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
