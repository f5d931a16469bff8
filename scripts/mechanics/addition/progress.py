"""One addition run through all its checkpoints: progress measures, spectra and norms.

Key frequencies K are those of a seed's last checkpoint (``key_spectrum``); with them the measures
look back on the training. Without any, what needs them is nan.
"""

import math

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
from mechanics.addition.neurons import EXPLAINED, neuron_frequencies
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
    restricted_logits,
)
from mechanics.addition.splits import members
from mechanics.models.addition import Parameters
from mechanics.models.transformer import Architecture, architecture
from mechanics.training.checkpoint import Run

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


def follow_progress(
    run: Run,
    splits: dict[int, pd.DataFrame],
    final: dict[int, list[int]],
    device: torch.device,
) -> dict[str, pd.DataFrame]:
    """``progress`` of every seed and checkpoint, ``spectra``, and ``excluded`` loss per key."""
    network, p = architecture(run.settings), run.settings["p"]
    progress, spectra, excluded = [], [], []
    for seed in run.seeds:
        parts = {name: own.to(device) for name, own in members(splits[seed]).items()}
        keys, own = final[seed], []
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
    return {
        "progress": pd.concat(progress, ignore_index=True),
        "spectra": pd.DataFrame(spectra, columns=SPECTRA),
        "excluded": pd.DataFrame(excluded, columns=EXCLUDED),
    }


def load(run: Run, seed: int, step: int, device: torch.device) -> Parameters:
    return {name: tensor.double().to(device) for name, tensor in run.load(seed, step).items()}


def final_keys(run: Run, seed: int, device: torch.device) -> list[int]:
    """Key frequencies of the last checkpoint; none for weights that are not finite."""
    network, weights = architecture(run.settings), load(run, seed, run.steps(seed)[-1], device)
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
    if network.reads_neurons_directly:
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
