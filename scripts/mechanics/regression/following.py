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
from mechanics.regression.held_out import (
    HeldOut,
    expect_regression,
    predictor,
    read_held_out,
    sensitivities,
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
    """A row per k, seed and checkpoint, on the prompts of the learning curves: the correlation of
    g = ∂ŷ/∂x_test with W_GD and W_OLS, with a null, and Γ̂ where it is defined.
    """
    settings = run.settings
    checkpoints = [(seed, step) for seed in run.seeds for step in run.steps(seed)]
    rows = []
    for k in settings["measured_at"]:
        prompts = held_out.prompts(k, settings["n_prompts_history"])
        # G = XᵀY/k, to which W_GD = ηXᵀY is proportional
        gradient, nothing = (
            second_moments(p.x.double(), p.y.double())[1][0][:, None]
            for p in (prompts, shuffled(prompts))
        )
        beside = {
            "correlation_gd": gradient,
            "correlation_ols": sensitivities(ordinary_least_squares, prompts),
            "correlation_shuffled": nothing,
        }
        for seed, step in checkpoints:
            network = network_at(run, seed, step).to(held_out.device)
            g = sensitivities(predictor(network), prompts)
            row = {"seed": seed, "step": step, "k": k}
            row |= describe_step(network.weights, network.architecture, settings)
            rows.append(row | {name: correlation(g, other) for name, other in beside.items()})
    return pd.DataFrame(rows)


def shuffled(prompts: Prompts) -> Prompts:
    """The same prompts with each context's y in another order: a control that knows nothing."""
    order = torch.rand(prompts.y.shape, generator=generator("evaluation", replica=3)).argsort(-1)
    return replace(prompts, y=prompts.y.gather(-1, order.to(prompts.y.device)))


def correlation(
    first: Float[Tensor, "prompt query d"], second: Float[Tensor, "prompt #query d"]
) -> float:
    """Pearson's correlation of effective weights, over prompts, test points and coordinates.

    At one context length it does not depend on a step size: W_GD = ηXᵀY may have any η > 0. It is
    nan where one of them is constant.
    """
    first, second = (t - t.mean() for t in torch.broadcast_tensors(first, second))
    return ((first * second).sum() / (first.norm() * second.norm())).item()
