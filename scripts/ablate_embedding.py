"""Ablate frequencies in the embedding W_E of the final weights of one addition run.

Every replica answers all pairs with its embedding's key frequencies alone, without them, with as
many random other frequencies alone or removed, and without each single frequency. Key frequencies
are here those of W_E itself (at least three times the share in a flat spectrum), which networks
with several layers or LayerNorm have, too.
"""

import argparse
import math
import sys
from pathlib import Path

import pandas as pd
import torch

from mechanics.addition.ablation import random_sets
from mechanics.addition.embedding import number_embeddings
from mechanics.addition.embedding_ablation import answers_with, in_embedding
from mechanics.addition.fourier import frequencies, frequency_shares, key_frequencies
from mechanics.models.transformer import architecture
from mechanics.runtime.device import choose_device
from mechanics.runtime.files import atomic
from mechanics.runtime.seeds import generator
from mechanics.training.checkpoint import CheckpointError, Run

N_DRAWS = 10  # random sets of frequencies beside the keys
NAN = {"loss": math.nan, "accuracy": math.nan, "min_margin": math.nan}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, type=Path, help="folder of an addition run")
    parser.add_argument(
        "--output",
        required=True,
        type=Path,
        help="parquet: seed, kind, frequency, is_key, n, draw, share, loss, accuracy, …",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    arguments = parser.parse_args()
    try:
        device = choose_device(arguments.device)
        run = Run(arguments.run)
        if run.settings["task"] != "modular_addition":
            raise ValueError(f"{arguments.run}: task = {run.settings['task']}: expected addition")
        rows = [{"seed": seed} | row for seed in run.seeds for row in ablate(run, seed, device)]
    except (CheckpointError, ValueError) as error:
        sys.exit(f"ablate_embedding.py: {error}")
    with atomic(arguments.output) as part:
        pd.DataFrame(rows).to_parquet(part, index=False)


def ablate(run: Run, seed: int, device: torch.device) -> list[dict]:
    """A row per kind and draw or frequency, over all pairs.

    - whole: the network
    - keys_kept, keys_removed: the key frequencies of W_E alone, or all others
    - random_kept, random_removed: as many random other frequencies, ``N_DRAWS`` draws
    - one_removed: each frequency by itself

    ``n`` frequencies are kept or removed; ``share`` is what they have of the variance of W_E over
    the numbers. Without key frequencies the four kinds about them are one row of nan, n = 0.
    """
    weights = {name: tensor.double().to(device) for name, tensor in run.final(seed).items()}
    network, W_E = architecture(run.settings), weights["embed.W_E"][0]
    shares = frequency_shares(number_embeddings(W_E))
    keys, every = key_frequencies(shares), list(frequencies(len(W_E) - 1))

    def row(kind: str, chosen: list[int], draw: int = 0, frequency: int = 0) -> dict:
        """``frequency``: the one that is removed alone, else 0."""
        changed = in_embedding(W_E, chosen, keep=kind.endswith("_kept"))
        answers = answers_with(weights, network, changed).over_all()
        about = {"kind": kind, "frequency": frequency, "is_key": frequency in keys}
        share = float(shares[[k - 1 for k in chosen]].sum())
        return about | {"n": len(chosen), "draw": draw, "share": share} | answers

    rows = [row("whole", [])]
    others = [k for k in every if k not in keys]
    draws = (
        random_sets(others, len(keys), N_DRAWS, generator("bootstrap", seed, 10)) if keys else []
    )
    for change in ("kept", "removed"):
        if not keys:
            nothing = {"frequency": 0, "is_key": False, "n": 0, "draw": 0, "share": math.nan} | NAN
            rows += [{"kind": f"{whose}_{change}"} | nothing for whose in ("keys", "random")]
            continue
        rows.append(row(f"keys_{change}", keys))
        rows += [row(f"random_{change}", chosen, draw) for draw, chosen in enumerate(draws)]
    rows += [row("one_removed", [k], frequency=k) for k in every]
    whole = {f"{name}_whole": rows[0][name] for name in ("loss", "accuracy")}
    return [own | whole for own in rows]


if __name__ == "__main__":
    main()
