"""Read every layer of a deep regression network: how many steps of an algorithm is it worth?

Half of the prompts fit a linear probe per layer, the other half judge it. Writes, for the final and
for the untrained weights of each seed: k, layer (0: before the first), the probe's risk with its
standard error, and the steps of gradient descent (best step sizes at this k) and of Newton's
iteration of equal risk: inf where more than 20 (12) steps are needed, nan where no step is better.
The same, ending in _lens, for the network's own read-out applied early, which after the last layer
is the network itself. ``nearest`` is the algorithm whose predictions are nearest to the probe's.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd
from jaxtyping import Float
from torch import Tensor

from mechanics.models.prompts import Prompts
from mechanics.regression.evaluation import RegressionRun, open_regression_run
from mechanics.regression.layer_readout import (
    equivalent_steps,
    fit_probe,
    gradient_descent_risks,
    named_algorithms,
    nearest_algorithm,
    newton_risks,
    probe_predictions,
    query_streams,
    risk_of,
)
from mechanics.runtime.device import choose_device
from mechanics.runtime.files import atomic
from mechanics.settings import ConfigError
from mechanics.training.checkpoint import CheckpointError

N_PROMPTS = 4096  # of the held-out ones, at each k: half to fit, half to judge


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, type=Path, help="folder of the run")
    parser.add_argument("--data", required=True, type=Path, help="the held-out prompts")
    parser.add_argument("--output", required=True, type=Path, help="parquet, a row per layer")
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    try:
        device = choose_device(arguments.device)
        rows = measure(open_regression_run(arguments.run, arguments.data, device))
    except (CheckpointError, ConfigError, ValueError) as error:
        sys.exit(f"measure_layers.py: {error}")
    with atomic(arguments.output) as part:
        rows.to_parquet(part, index=False)


def measure(opened: RegressionRun) -> pd.DataFrame:
    """A row per seed, trained or not, k and layer.

    Raises ValueError for a network of one layer (there is nothing between token and prediction), if
    a run lacks its untrained weights, or for a k without held-out prompts.
    """
    if opened.network.n_layers < 2:
        raise ValueError("a network of one layer has no layers to tell apart")
    rows = []
    for k in opened.settings["measured_at"]:
        if k not in opened.lengths:
            raise ValueError(f"no held-out prompts of k = {k}")
        prompts = opened.prompts(k, N_PROMPTS)
        half = prompts.x.shape[1] // 2
        fit, judge = _part(prompts, slice(half)), _part(prompts, slice(half, None))
        algorithms = named_algorithms(judge)
        risks_by_steps = {
            "gd_steps": gradient_descent_risks(opened.settings["d"], k),
            "newton_steps": newton_risks(judge),
        }
        for seed in opened.seeds:
            for trained in (True, False):
                weights = opened.weights(seed, None if trained else _first_step(opened, seed))
                streams, lenses = query_streams(weights, opened.tokens(prompts), opened.network)
                for layer, (stream, lens) in enumerate(zip(streams, lenses, strict=True)):
                    predictions = probe_predictions(
                        stream[half:], fit_probe(stream[:half], fit.y_test[0])
                    )
                    rows.append(
                        {"seed": seed, "trained": trained, "k": k, "layer": layer}
                        | describe(predictions, lens[half:], judge, risks_by_steps, algorithms)
                    )
    return pd.DataFrame(rows)


def describe(
    predictions: Float[Tensor, "prompt query"],
    lens: Float[Tensor, "prompt query"],
    prompts: Prompts,
    risks_by_steps: dict[str, list[float]],
    algorithms: dict[str, Float[Tensor, "prompt query"]],
) -> dict:
    """One layer's probe and early read-out: their risks, steps of equal risk, nearest algorithm."""
    risk, error = risk_of(predictions, prompts)
    risk_lens, _ = risk_of(lens, prompts)
    name, distance = nearest_algorithm(predictions, algorithms)
    return {
        "risk": risk,
        "risk_se": error,
        **{steps: equivalent_steps(risk, risks) for steps, risks in risks_by_steps.items()},
        "risk_lens": risk_lens,
        **{f"{s}_lens": equivalent_steps(risk_lens, risks) for s, risks in risks_by_steps.items()},
        "nearest": name,
        "nearest_preds_diff": distance,
        "n_prompts": prompts.x.shape[1],
    }


def _part(prompts: Prompts, part: slice) -> Prompts:
    tensors = (prompts.x, prompts.y, prompts.x_test, prompts.y_test)
    return Prompts(*(tensor[:, part] for tensor in tensors))


def _first_step(opened: RegressionRun, seed: int) -> int:
    first = opened.run.steps(seed)[0]
    if first != 0:
        raise ValueError(f"{opened.run.path}: no weights of seed {seed} at step 0")
    return first


if __name__ == "__main__":
    main()
