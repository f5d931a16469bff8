"""Judge the final weights of one addition run on all p² pairs, in float64."""

import argparse
from pathlib import Path

import pandas as pd
import torch

from mechanics.addition.fourier import n_frequencies_for, sum_spectrum
from mechanics.addition.pairs import all_pairs, cross_entropy, targets
from mechanics.models import addition
from mechanics.models.transformer import architecture
from mechanics.runtime.device import choose_device
from mechanics.runtime.files import atomic
from mechanics.training.checkpoint import Run

SHARE = 0.9  # of the part of the logits that depends on a + b − c, carried by n_frequencies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, type=Path, help="folder of the run")
    parser.add_argument("--split", required=True, type=Path, nargs="+", help="parquet, per seed")
    parser.add_argument("--output", required=True, type=Path, help="parquet: one row per split")
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    run = Run(arguments.run)
    splits = {int(table["seed"].iloc[0]): table for table in map(pd.read_parquet, arguments.split)}
    rows = [row for seed in run.seeds for row in evaluate(run, seed, splits[seed], device)]
    with atomic(arguments.output) as part:
        pd.DataFrame(rows).to_parquet(part, index=False)


@torch.no_grad()
def evaluate(run: Run, seed: int, split: pd.DataFrame, device: torch.device) -> list[dict]:
    """Loss, accuracy and margin of one seed, per part of the pairs."""
    p = run.settings["p"]
    pairs = all_pairs(p).to(device)
    weights = {name: tensor.double().to(device) for name, tensor in run.final(seed).items()}
    logits = addition.forward(weights, pairs[None], architecture(run.settings))[0]
    correct = targets(pairs, p)
    loss = cross_entropy(logits, correct).cpu()
    right = (logits.argmax(-1) == correct).cpu()
    others = logits.scatter(-1, correct[:, None], float("-inf")).max(-1).values
    margin = (logits.gather(-1, correct[:, None])[:, 0] - others).cpu()
    spectrum = sum_spectrum(logits)
    trained = torch.tensor((split["split"] == "train").to_numpy())
    swapped = torch.tensor(split["swapped_in_training"].to_numpy())
    parts = {
        "all": torch.ones_like(trained),
        "train": trained,
        "validation": ~trained,
        "validation_swapped": ~trained & swapped,
        "validation_new": ~trained & ~swapped,
    }
    return [
        {
            "seed": seed,
            "status": run.replica(seed)["status"],
            "step": run.steps(seed)[-1],
            "split": name,
            "n_pairs": int(members.sum()),
            "n_right": int(right[members].sum()),
            "accuracy": float(right[members].double().mean()),
            "loss": float(loss[members].mean()),
            "min_margin": float(margin[members].min()),
            "sum_fve": float(spectrum.sum()),
            "n_frequencies": n_frequencies_for(spectrum / spectrum.sum(), SHARE),
        }
        for name, members in parts.items()
    ]


if __name__ == "__main__":
    main()
