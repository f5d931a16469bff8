"""How the heads of an addition network divide their attention at "=", and by which frequency.

For every layer and head of the final weights of every seed: the mean attention to a, b and "=" over
all pairs, and the frequency that explains most of what varies. Maps over (a, b) are written for
the first layer of the first sound seed.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd
import torch

from mechanics.addition.activations import addition_activations
from mechanics.addition.neurons import neuron_frequencies
from mechanics.addition.pairs import all_pairs
from mechanics.models.transformer import architecture
from mechanics.runtime.device import choose_device
from mechanics.runtime.files import atomic
from mechanics.settings import ConfigError
from mechanics.training.checkpoint import CheckpointError, Run

POSITIONS = ("a", "b", "=")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, type=Path, help="folder of the run")
    parser.add_argument(
        "--output", required=True, type=Path, help="parquet out: seed, layer, head, position, …"
    )
    parser.add_argument("--maps", required=True, type=Path, help="parquet out: …, a, b, weight")
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    try:
        run = Run(arguments.run)
        if run.settings["task"] != "modular_addition":
            raise ConfigError(f"{arguments.run}: task = {run.settings['task']}: expected addition")
        rows, maps = measure(run, device)
    except (CheckpointError, ConfigError) as error:
        sys.exit(f"measure_addition_attention.py: {error}")
    for path, frame in ((arguments.output, pd.DataFrame(rows)), (arguments.maps, maps)):
        with atomic(path) as part:
            frame.to_parquet(part, index=False)


def measure(run: Run, device: torch.device) -> tuple[list[dict], pd.DataFrame]:
    """A row for each seed, layer, head and position, and the maps of one seed."""
    sound = [seed for seed in run.seeds if run.replica(seed)["status"] != "diverged"]
    rows, maps = [], []
    for seed in run.seeds:
        weights = {name: tensor.to(device) for name, tensor in run.final(seed).items()}
        patterns = addition_activations(weights, architecture(run.settings)).pattern
        for layer, pattern in enumerate(patterns):
            rows += [{"seed": seed, "layer": layer, **row} for row in describe(pattern.cpu())]
        if sound[:1] == [seed]:
            maps = attention_maps(patterns[0].cpu(), run.settings["p"]).assign(seed=seed, layer=0)
    columns = ["seed", "layer", "head", "a", "b", "weight"]
    return rows, pd.DataFrame(maps, columns=columns)


def describe(pattern: torch.Tensor) -> list[dict]:
    """Mean, best frequency and its fve of every head's attention to each position.

    ``pattern`` [pair, head, 3] are the weights at "=". Where they do not vary, frequency is 0.
    """
    p = round(len(pattern) ** 0.5)
    rows = []
    for index, position in enumerate(POSITIONS):
        weights = pattern[..., index]
        varying = neuron_frequencies(weights, p)
        rows += [
            {
                "head": head,
                "position": position,
                "mean": float(weights[:, head].mean()),
                "std": float(weights[:, head].std()),
                "frequency": int(varying.frequency[head]),
                "fve": float(varying.fve[head]),
            }
            for head in range(weights.shape[1])
        ]
    return rows


def attention_maps(pattern: torch.Tensor, p: int) -> pd.DataFrame:
    """Attention at "=" to a, for every head and pair."""
    pairs = all_pairs(p)
    return pd.concat(
        pd.DataFrame(
            {"head": head, "a": pairs[:, 0], "b": pairs[:, 1], "weight": pattern[:, head, 0]}
        )
        for head in range(pattern.shape[1])
    )


if __name__ == "__main__":
    main()
