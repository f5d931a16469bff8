"""Judge the final weights of a regression run on prompts that it was not trained on.

Longer contexts, inputs and weights of another scale, anisotropic inputs, noise, and (for a run
with d_max) other dimensions: the risk of each seed beside the law that its own weights predict,
without refit, and least squares on the same prompts.
"""

import argparse
import sys
from itertools import groupby
from pathlib import Path

import pandas as pd
import torch

from mechanics.models.prompts import Prompts, embed, squared_errors
from mechanics.models.shifted_prompts import (
    INDEX,
    REPLICA,
    Shift,
    base_draws,
    shifted_prompts,
    shifted_subspaces,
    shifts,
)
from mechanics.models.transformer import token_d
from mechanics.regression.algorithms.least_squares import ordinary_least_squares
from mechanics.regression.evaluation import RegressionRun, open_regression_run, predict
from mechanics.regression.laws.shift_laws import shift_law
from mechanics.regression.laws.softmax_law import SoftmaxDraws, softmax_draws
from mechanics.runtime.device import choose_device
from mechanics.runtime.files import atomic
from mechanics.runtime.seeds import generator
from mechanics.settings import ConfigError
from mechanics.training.checkpoint import CheckpointError

N_PROMPTS, N_QUERIES = 8192, 8
N_PROMPTS_WITH_MLP = 1024  # the first of them: an MLP makes a token a hundred times as expensive


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, type=Path, help="folder of the run")
    parser.add_argument("--data", required=True, type=Path, help="the held-out prompts")
    parser.add_argument(
        "--output", required=True, type=Path, help="parquet out: seed, arm, shift, value, risk, …"
    )
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    try:
        device = choose_device(arguments.device)
        run = open_regression_run(arguments.run, arguments.data, device)
        rows = evaluate(run)
    except (CheckpointError, ConfigError, ValueError) as error:
        sys.exit(f"measure_generalisation.py: {error}")
    with atomic(arguments.output) as part:
        pd.DataFrame(rows).to_parquet(part, index=False)


def evaluate(run: RegressionRun) -> list[dict]:
    """One row per shift, value, k and seed."""
    n_prompts = N_PROMPTS_WITH_MLP if run.network.d_mlp else N_PROMPTS
    weights = {seed: run.weights(seed) for seed in run.seeds}
    all_shifts = shifts(run.settings)
    draws = _draws_of_the_law(run, max(shift.k for shift in all_shifts))
    rows = []
    for name, group in groupby(all_shifts, key=lambda shift: shift.name):
        own = list(group)
        arm = run.settings["subspace"] if name == "dimension" else "trained"
        base = base_draws(own, N_PROMPTS, N_QUERIES)[:n_prompts]
        for shift in own:
            prompts = shifted_prompts(shift, base, N_QUERIES)
            ols = _describe(ordinary_least_squares(prompts), prompts, shift)["risk"]
            tokens = _tokens(prompts, token_d(run.settings), arm).to(run.device)
            for seed in run.seeds:
                law, law_name = shift_law(weights[seed], run.network, shift, arm, draws)
                about = {"seed": seed, "arm": arm, "shift": name, "value": shift.value}
                about |= {"k": shift.k, "d": shift.d}
                found = _describe(predict(weights[seed], tokens, run.network), tokens, shift)
                rows.append(
                    {**about, **found, "law": law, "law_name": law_name}
                    | {"ols": ols, "n_prompts": n_prompts}
                )
    return rows


def _draws_of_the_law(run: RegressionRun, longest: int) -> SoftmaxDraws:
    draw = generator("evaluation", REPLICA, INDEX["softmax_law"])
    return softmax_draws(run.settings["d"], longest, N_PROMPTS, draw)


def _tokens(prompts: Prompts, d_max: int, arm: str) -> Prompts:
    """x as the network reads it: in random subspaces, or with zeros up to ``d_max``."""
    n_prompts, _, d = prompts.x.shape[1:]
    bases = shifted_subspaces(d, d_max, n_prompts) if arm == "random" else None
    return embed(prompts, d_max, bases)


def _describe(predictions: torch.Tensor, prompts: Prompts, shift: Shift) -> dict[str, float]:
    """Mean, its standard error, and median over prompts of the squared error over E[y²]."""
    errors = squared_errors(predictions.double(), prompts)[0] / shift.power
    return {
        "risk": float(errors.mean()),
        "risk_se": float(errors.std() / len(errors) ** 0.5),
        "risk_median": float(errors.median()),
    }


if __name__ == "__main__":
    main()
