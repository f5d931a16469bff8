"""One addition run through all its checkpoints: progress measures, spectra and norms.

Key frequencies K are those of a seed's last checkpoint (``key_spectrum``); with them the measures
look back on the training. Without any, what needs them is nan.
"""

import pandas as pd
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mechanics.addition.activations import (
    AdditionActivations,
    addition_activations,
    neuron_logits,
)
from mechanics.addition.fourier import (
    effective_rank,
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
    norms_squared,
    pair_losses,
    restricted_logits,
)
from mechanics.addition.splits import members
from mechanics.models.addition import Parameters
from mechanics.models.transformer import Architecture, architecture
from mechanics.training.checkpoint import Run

SPLITS = ("train", "validation", "validation_swapped", "validation_new", "all")
KEYED = ("train", "validation", "all")  # of what needs key frequencies
COLUMNS = [  # of progress.parquet; a checkpoint whose weights are not finite has nan
    *("seed", "step", "p", "n_final_keys", "n_keys"),
    *(f"{measure}_{split}" for split in SPLITS for measure in ("loss", "accuracy")),
    *(f"{kind}_loss_{split}" for kind in ("restricted", "excluded") for split in KEYED),
    *("logit_fve", "neuron_share", "norm_squared"),
    *(f"norm_squared_{matrix}" for matrix in (*MATRICES, "other")),
    *(f"{measure}_{matrix}" for measure in ("gini", "effective_rank") for matrix in ("W_E", "W_U")),
    *MOMENTS,
]
SPECTRA = ["seed", "step", "matrix", "frequency", "share"]


def follow_progress(
    run: Run,
    splits: dict[int, pd.DataFrame],
    device: torch.device,
) -> dict[str, pd.DataFrame]:
    """``progress`` and ``spectra`` of every seed and checkpoint."""
    network, p = architecture(run.settings), run.settings["p"]
    progress, spectra = [], []
    for seed in run.seeds:
        parts = {name: own.to(device) for name, own in members(splits[seed]).items()}
        keys, own = final_keys(run, seed, device), []
        for step in run.steps(seed):
            common = {"seed": seed, "step": step}
            row = {**common, "p": p, "n_final_keys": len(keys)}
            weights = load(run, seed, step, device)
            if all(tensor.isfinite().all() for tensor in weights.values()):
                activations = addition_activations(weights, network)
                logits, shares = activations.logits, spectra_of(weights, network, activations)
                row["n_keys"] = len(key_frequencies(shares.get("W_L", shares["logits"])))
                row |= measure(logits, keys, parts) | describe_weights(weights)
                if network.reads_neurons_directly:
                    fve = neuron_frequencies(activations.hook_post[0], p).fve  # nan of dead ones
                    row["neuron_share"] = float((fve > EXPLAINED).double().mean())
                spectra += [
                    {**common, "matrix": matrix, "frequency": k, "share": share}
                    for matrix, spectrum in shares.items()
                    for k, share in enumerate(spectrum.tolist(), start=1)
                ]
            own.append(row)
        frame = pd.DataFrame(own).reindex(columns=COLUMNS)
        moments = change_points(frame, p, run.settings["grokking_accuracy"])
        progress.append(frame.assign(**moments))
    return {
        "progress": pd.concat(progress, ignore_index=True),
        "spectra": pd.DataFrame(spectra, columns=SPECTRA),
    }


def load(run: Run, seed: int, step: int, device: torch.device) -> Parameters:
    return {name: tensor.double().to(device) for name, tensor in run.load(seed, step).items()}


def final_keys(run: Run, seed: int, device: torch.device) -> list[int]:
    """Key frequencies of the last checkpoint; none for weights that are not finite."""
    network, weights = architecture(run.settings), load(run, seed, run.steps(seed)[-1], device)
    logits = addition_activations(weights, network).logits
    return key_frequencies(key_spectrum(weights, network, logits))


def measure(
    logits: Float[Tensor, "pair token"], keys: list[int], parts: dict[str, Bool[Tensor, "pair"]]
) -> dict[str, float]:
    """Mean loss and accuracy of the parts; with key frequencies also restricted and excluded loss,
    and logit FVE."""
    p = logits.shape[-1]
    right = (logits.argmax(dim=-1) == targets(all_pairs(p), p).to(logits.device)).double()
    means = [("loss", pair_losses(logits), SPLITS), ("accuracy", right, SPLITS)]
    if keys:
        restricted, excluded = restricted_logits(logits, keys), excluded_logits(logits, keys)
        means.append(("restricted_loss", pair_losses(restricted), KEYED))
        means.append(("excluded_loss", pair_losses(excluded), KEYED))
    row = {
        f"{name}_{split}": float(values[parts[split]].mean())
        for name, values, splits in means
        for split in splits
    }
    return row | ({"logit_fve": logit_fve(logits, keys)} if keys else {})


def describe_weights(weights: Parameters) -> dict[str, float]:
    """Σθ², and Gini coefficient and effective rank of W_E (of the numbers) and of W_U."""
    along_numbers = {"W_E": weights["embed.W_E"][0, :-1], "W_U": weights["unembed.W_U"][0].T}
    described = norms_squared(weights)
    for name, matrix in along_numbers.items():
        described[f"gini_{name}"] = gini(frequency_shares(matrix))
        described[f"effective_rank_{name}"] = effective_rank(matrix)
    return described


def spectra_of(
    weights: Parameters, network: Architecture, activations: AdditionActivations
) -> dict[str, Float[Tensor, "frequency"]]:
    """Share of every frequency in W_E, in W_L where it applies, and ``sum_spectrum`` (logits)."""
    shares = {"W_E": frequency_shares(weights["embed.W_E"][0, :-1])}
    if network.reads_neurons_directly:
        shares["W_L"] = frequency_shares(neuron_logits(weights, network).T)
    return shares | {"logits": sum_spectrum(activations.logits)}
