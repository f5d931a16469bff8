"""Compare the attention of every head of a regression run with the similarity x_iᵀx_test.

The untrained network (weights at step 0) and the test points of other prompts are the nulls.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd
import torch

from mechanics.models.prompts import Prompts
from mechanics.regression.attention import (
    attention_weights,
    match_correlation,
    merged_query_key,
    shuffled_similarities,
    similarities,
    top_weight,
    value_sign,
)
from mechanics.regression.evaluation import RegressionRun, open_regression_run
from mechanics.runtime.device import choose_device
from mechanics.runtime.files import atomic
from mechanics.settings import ConfigError
from mechanics.training.checkpoint import CheckpointError

N_PROMPTS, N_PROMPTS_DEEP = 1024, 256  # deep networks have many heads and take longer
N_EXAMPLES, EXAMPLE_LENGTH = 8, 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, type=Path, help="folder of the run")
    parser.add_argument("--data", required=True, type=Path, help="the held-out prompts")
    parser.add_argument(
        "--output", required=True, type=Path, help="parquet out: seed, trained, layer, head, k, …"
    )
    parser.add_argument(
        "--examples",
        required=True,
        type=Path,
        help="parquet out: the attention of one seed to the contexts of some prompts",
    )
    parser.add_argument(
        "--query-key",
        required=True,
        type=Path,
        help="parquet out: W_QK of one seed on tokens (no rows for an embedded network)",
    )
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    try:
        device = choose_device(arguments.device)
        run = open_regression_run(arguments.run, arguments.data, device)
        frames = {
            arguments.output: measure_attention(run),
            arguments.examples: example_attention(run),
            arguments.query_key: query_key(run),
        }
    except (CheckpointError, ConfigError, ValueError) as error:
        sys.exit(f"measure_attention.py: {error}")
    for path, frame in frames.items():
        with atomic(path) as part:
            frame.to_parquet(part, index=False)


@torch.no_grad()
def measure_attention(run: RegressionRun) -> pd.DataFrame:
    """A row per seed, weights (trained or not), measured k, layer and head."""
    rows = []
    n_prompts = N_PROMPTS_DEEP if run.network.d_mlp else N_PROMPTS
    for k in run.settings["measured_at"]:
        prompts = run.tokens(run.prompts(k, n_prompts))
        for seed in run.seeds:
            for trained in (False, True):
                weights = run.weights(seed, None if trained else 0)
                which = {"seed": seed, "trained": trained}
                rows += [which | row for row in describe_heads(weights, prompts, run)]
    return pd.DataFrame(rows)


def describe_heads(
    weights: dict[str, torch.Tensor], prompts: Prompts, run: RegressionRun
) -> list[dict]:
    """Correlations of every layer and head, their mean and standard error over prompts."""
    similarity, shuffled = similarities(prompts)[0], shuffled_similarities(prompts)[0]
    rows = []
    for layer, patterns in enumerate(attention_weights(weights, prompts, run.network)):
        signs = None if run.network.embedded else value_sign(weights, run.network, layer)[0]
        for head in range(run.network.n_heads):
            pattern = patterns[0, :, head]  # prompt query k
            correlation, error = mean_over_prompts(match_correlation(pattern, similarity))
            null, null_error = mean_over_prompts(match_correlation(pattern, shuffled))
            sign = float("nan") if signs is None else signs[head].item()
            rows.append(
                {
                    "layer": layer,
                    "head": head,
                    "k": prompts.x.shape[-2],
                    "correlation": correlation,
                    "correlation_se": error,
                    "signed_correlation": sign * correlation,
                    "shuffled_correlation": null,
                    "shuffled_correlation_se": null_error,
                    "top_weight": mean_over_prompts(top_weight(pattern, similarity).double())[0],
                    "n_prompts": prompts.x.shape[1],
                }
            )
    return rows


def mean_over_prompts(values: torch.Tensor) -> tuple[float, float]:
    """Mean of values [prompt query] and its standard error; queries of a prompt share a context."""
    by_prompt = values.mean(dim=-1)
    return by_prompt.mean().item(), (by_prompt.std() / len(by_prompt) ** 0.5).item()


@torch.no_grad()
def example_attention(run: RegressionRun) -> pd.DataFrame:
    """Attention of the first query of some prompts; position 0 is the best match of the context."""
    k = min(run.settings["measured_at"], key=lambda length: abs(length - EXAMPLE_LENGTH))
    prompts = run.tokens(run.prompts(k, N_EXAMPLES))
    seed = first_seed(run)
    similarity, order = similarities(prompts)[0, :, 0].sort(dim=-1, descending=True)
    frames = []
    patterns = attention_weights(run.weights(seed), prompts, run.network)
    for layer, pattern in enumerate(patterns):
        for head in range(run.network.n_heads):
            weight = pattern[0, :, head, 0].gather(-1, order)  # prompt k
            prompt, position = torch.meshgrid(*map(torch.arange, weight.shape), indexing="ij")
            columns = {"prompt": prompt, "position": position}
            columns |= {"similarity": similarity, "weight": weight}
            frame = pd.DataFrame({n: c.flatten().cpu().numpy() for n, c in columns.items()})
            frames.append(frame.assign(seed=seed, k=k, layer=layer, head=head))
    names = ["seed", "k", "layer", "head", "prompt", "position", "similarity", "weight"]
    return pd.concat(frames, ignore_index=True)[names]


def query_key(run: RegressionRun) -> pd.DataFrame:
    """W_QK of every layer and head of a token network; rows and columns are x_1 … x_d, y."""
    names = ["seed", "layer", "head", "row", "column", "value"]
    if run.network.embedded:
        types = {name: "float64" if name == "value" else "int64" for name in names}
        return pd.DataFrame(columns=names).astype(types)
    seed = first_seed(run)
    weights = {name: tensor.double() for name, tensor in run.weights(seed).items()}
    rows = [
        dict(zip(names, (seed, layer, head, row, column, value), strict=True))
        for layer in range(run.network.n_layers)
        for head in range(run.network.n_heads)
        for row, values in enumerate(
            merged_query_key(weights, run.network, layer, head)[0].tolist()
        )
        for column, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


def first_seed(run: RegressionRun) -> int:
    """The first seed that did not diverge, or the first where all did."""
    finished = [s for s in run.seeds if run.run.replica(s)["status"] == "finished"]
    return (finished or run.seeds)[0]


if __name__ == "__main__":
    main()
