"""Follow one addition run through all its checkpoints: progress measures, spectra and norms.

Key frequencies K are those of a seed's last checkpoint (``key_spectrum``); with them the measures
look back on the training. Without any, what needs them is nan.
"""

import argparse
import math
import sys
from pathlib import Path

import pandas as pd
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mechanics.addition.activations import neuron_logits
from mechanics.addition.fourier import (
    effective_rank,
    frequencies,
    frequency_shares,
    gini,
    key_frequencies,
    sum_spectrum,
)
from mechanics.addition.neurons import neuron_frequencies
from mechanics.addition.pairs import all_pairs, targets
from mechanics.addition.progress_measures import (
    MATRICES,
    MOMENTS,
    change_points,
    excluded_logits,
    key_spectrum,
    logit_fve,
    logits_and_neurons,
    norms_squared,
    pair_losses,
    reads_neurons_directly,
    restricted_logits,
)
from mechanics.models.addition import Parameters
from mechanics.models.transformer import Architecture, architecture
from mechanics.runtime.device import choose_device
from mechanics.runtime.files import atomic
from mechanics.settings import ConfigError
from mechanics.training.checkpoint import CheckpointError, Run

EXPLAINED = 0.85  # of a neuron's variance by one frequency (Nanda et al. 2023, sec. 4.3)
SPLITS = ("train", "validation", "validation_swapped", "validation_new", "all")
COLUMNS = [  # of progress.parquet; a checkpoint whose weights are not finite has nan
    *("seed", "step", "p", "n_final_keys", "n_keys"),
    *(f"{measure}_{split}" for split in SPLITS for measure in ("loss", "accuracy")),
    *(
        f"{kind}_loss_{split}"
        for kind in ("restricted", "excluded")
        for split in ("train", "validation", "all")
    ),
    *("logit_fve", "neuron_share", "norm_squared"),
    *(f"norm_squared_{matrix}" for matrix in (*MATRICES, "other")),
    *(f"{measure}_{matrix}" for measure in ("gini", "effective_rank") for matrix in ("W_E", "W_U")),
    *MOMENTS,
]
SPECTRA = ["seed", "step", "matrix", "frequency", "share"]
EXCLUDED = ["seed", "step", "frequency", "excluded_loss"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, type=Path, help="folder of the run")
    parser.add_argument("--split", required=True, type=Path, nargs="+", help="parquet, per seed")
    parser.add_argument(
        "--output", required=True, type=Path, help="parquet out: a row per seed and step"
    )
    parser.add_argument(
        "--spectra", required=True, type=Path, help="parquet out: …, matrix, frequency, share"
    )
    parser.add_argument(
        "--excluded", required=True, type=Path, help="parquet out: …, frequency, excluded_loss"
    )
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    try:
        device = choose_device(arguments.device)
        run = Run(arguments.run)
        if run.settings["task"] != "modular_addition":
            raise ConfigError(f"{arguments.run}: task = {run.settings['task']}: expected addition")
        frames = analyse(run, read_splits(arguments.split, run), device)
    except (CheckpointError, ConfigError, OSError, ValueError) as error:
        sys.exit(f"analyse_addition_checkpoints.py: {error}")
    paths = arguments.output, arguments.spectra, arguments.excluded
    for path, frame in zip(paths, frames, strict=True):
        with atomic(path) as part:
            frame.to_parquet(part, index=False)


def read_splits(paths: list[Path], run: Run) -> dict[int, pd.DataFrame]:
    """The split of every seed of the run. Raises ConfigError if one is missing or of another p."""
    splits = {int(table["seed"].iloc[0]): table for table in map(pd.read_parquet, paths)}
    n_pairs = run.settings["p"] ** 2
    for seed in run.seeds:
        if seed not in splits:
            raise ConfigError(f"no split for seed {seed} among {', '.join(map(str, paths))}")
        if len(splits[seed]) != n_pairs:
            raise ConfigError(
                f"split of seed {seed}: {len(splits[seed])} pairs, expected {n_pairs}"
            )
    return splits


def analyse(
    run: Run, splits: dict[int, pd.DataFrame], device: torch.device
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The progress of every seed and checkpoint, its spectra, and its excluded loss per key."""
    network, p = architecture(run.settings), run.settings["p"]
    progress, spectra, excluded = [], [], []
    for seed in run.seeds:
        parts = members(splits[seed], device)
        keys = final_keys(run, seed, network, device)
        own = []
        for step in run.steps(seed):
            common = {"seed": seed, "step": step}
            row = {**common, "p": p, "n_final_keys": len(keys)}
            weights = load(run, seed, step, device)
            if all(tensor.isfinite().all() for tensor in weights.values()):
                logits, hook_post = logits_and_neurons(weights, network)
                row |= {"n_keys": len(key_frequencies(key_spectrum(weights, network, logits)))}
                row |= measure(logits, parts) | measure_keys(logits, keys, parts)
                row |= {"neuron_share": neuron_share(hook_post, p)} | describe_weights(weights)
                spectra += [{**common, **r} for r in spectrum_rows(weights, network, logits)]
                excluded += [{**common, **r} for r in excluded_rows(logits, keys, parts["train"])]
            own.append(row)
        frame = pd.DataFrame(own).reindex(columns=COLUMNS)
        moments = change_points(frame, p, run.settings["grokking_accuracy"])
        progress.append(frame.assign(**moments))
    return (
        pd.concat(progress, ignore_index=True),
        pd.DataFrame(spectra, columns=SPECTRA),
        pd.DataFrame(excluded, columns=EXCLUDED),
    )


def load(run: Run, seed: int, step: int, device: torch.device) -> Parameters:
    return {name: tensor.double().to(device) for name, tensor in run.load(seed, step).items()}


def members(split: pd.DataFrame, device: torch.device) -> dict[str, Bool[Tensor, "pair"]]:
    """Which pairs belong to which part. A swapped validation pair has (b, a) in training."""
    trained = torch.tensor((split["split"] == "train").to_numpy(), device=device)
    swapped = torch.tensor(split["swapped_in_training"].to_numpy(), device=device)
    validation = {"validation_swapped": ~trained & swapped, "validation_new": ~trained & ~swapped}
    return {
        "train": trained,
        "validation": ~trained,
        **validation,
        "all": torch.ones_like(trained),
    }


def final_keys(run: Run, seed: int, network: Architecture, device: torch.device) -> list[int]:
    """Key frequencies of the last checkpoint; none for weights that are not finite."""
    weights = load(run, seed, run.steps(seed)[-1], device)
    logits, _ = logits_and_neurons(weights, network)
    return key_frequencies(key_spectrum(weights, network, logits))


def measure(
    logits: Float[Tensor, "pair token"], parts: dict[str, Bool[Tensor, "pair"]]
) -> dict[str, float]:
    """Mean loss and accuracy of the parts."""
    p = logits.shape[-1]
    loss = pair_losses(logits)
    right = (logits.argmax(dim=-1) == targets(all_pairs(p), p).to(logits.device)).double()
    losses = {f"loss_{split}": float(loss[parts[split]].mean()) for split in SPLITS}
    return losses | {f"accuracy_{split}": float(right[parts[split]].mean()) for split in SPLITS}


def measure_keys(
    logits: Float[Tensor, "pair token"], keys: list[int], parts: dict[str, Bool[Tensor, "pair"]]
) -> dict[str, float]:
    """Restricted and excluded loss and logit FVE; nothing without key frequencies."""
    if not keys:
        return {}
    losses = {
        "restricted": pair_losses(restricted_logits(logits, keys)),
        "excluded": pair_losses(excluded_logits(logits, keys)),
    }
    return {"logit_fve": logit_fve(logits, keys)} | {
        f"{kind}_loss_{split}": float(loss[parts[split]].mean())
        for kind, loss in losses.items()
        for split in ("train", "validation", "all")
    }


def neuron_share(hook_post: Float[Tensor, "pair d_mlp"] | None, p: int) -> float:
    """Share of the neurons of which one frequency explains more than ``EXPLAINED``.

    Dead neurons count as unexplained. nan for a network that is not read by its neurons.
    """
    if hook_post is None:
        return math.nan
    return float((neuron_frequencies(hook_post, p).fve > EXPLAINED).double().mean())


def describe_weights(weights: Parameters) -> dict[str, float]:
    """Σθ², and Gini coefficient and effective rank of W_E (of the numbers) and of W_U."""
    along_numbers = {"W_E": weights["embed.W_E"][0, :-1], "W_U": weights["unembed.W_U"][0].T}
    described = norms_squared(weights)
    for name, matrix in along_numbers.items():
        described[f"gini_{name}"] = gini(frequency_shares(matrix))
        described[f"effective_rank_{name}"] = effective_rank(matrix)
    return described


def spectrum_rows(
    weights: Parameters, network: Architecture, logits: Float[Tensor, "pair token"]
) -> list[dict]:
    """Share of every frequency in W_E, in W_L where it applies, and ``sum_spectrum`` (logits)."""
    shares = {"W_E": frequency_shares(weights["embed.W_E"][0, :-1])}
    if reads_neurons_directly(network):
        shares["W_L"] = frequency_shares(neuron_logits(weights, network).T)
    shares["logits"] = sum_spectrum(logits)
    numbers = frequencies(logits.shape[-1])
    return [
        {"matrix": matrix, "frequency": k, "share": share}
        for matrix, spectrum in shares.items()
        for k, share in zip(numbers, spectrum.tolist(), strict=True)
    ]


def excluded_rows(
    logits: Float[Tensor, "pair token"], keys: list[int], trained: Bool[Tensor, "pair"]
) -> list[dict]:
    """Loss on the training pairs without each key frequency alone."""
    return [
        {
            "frequency": k,
            "excluded_loss": float(pair_losses(excluded_logits(logits, [k]))[trained].mean()),
        }
        for k in keys
    ]


if __name__ == "__main__":
    main()
