"""What is followed of an addition run through its checkpoints, for ``scripts/follow.py``.

The progress measures of Nanda et al. 2023, "Progress measures for grokking via mechanistic
interpretability", sec. 5; spectra of W_E; and what the page shows of one seed. Key frequencies K
are those of a seed's last checkpoint (``key_spectrum``). Losses are in nats.
"""

from pathlib import Path

import pandas as pd
import torch
from jaxtyping import Bool
from torch import Tensor

from mechanics.addition.ablation import excluded_logits, judge, key_spectrum, restricted_logits
from mechanics.addition.activations import addition_activations
from mechanics.addition.as_addition import as_addition
from mechanics.addition.embedding import circle, key_plane, number_embeddings
from mechanics.addition.fourier import (
    Logits,
    effective_rank,
    frequency_shares,
    key_frequencies,
    sum_spectrum,
)
from mechanics.addition.measures import SNAPSHOTS
from mechanics.addition.operation import order
from mechanics.addition.snapshots import telling_steps, write_snapshots
from mechanics.addition.splits import members, read_splits
from mechanics.models.weights import Network, network_at
from mechanics.tables.frames import write_tables
from mechanics.training.checkpoint import Run

SPLITS = ("train", "validation", "validation_swapped", "validation_new", "all")
KEYED = ("train", "validation", "all")  # of what needs key frequencies
COLUMNS = [  # of progress.parquet; a checkpoint whose weights are not finite has nan
    *("seed", "step", "p", "n_final_keys"),
    *(f"{measure}_{split}" for split in SPLITS for measure in ("loss", "accuracy")),
    *(f"{kind}_loss_{split}" for kind in ("restricted", "excluded") for split in KEYED),
    *("logit_fve", "norm_squared", "effective_rank_W_E", "effective_rank_W_U"),
]
SPECTRA = ["seed", "step", "matrix", "frequency", "share"]
PLANES = ["seed", "step", "frequency", "number", "x", "y"]


def follow(folder: Path, data: list[Path], device: torch.device) -> dict[str, pd.DataFrame]:
    """``progress`` of a run, and the ``spectra`` beside it. ``data``: the split of every seed.

    Raises CheckpointError for no finished run, ConfigError for splits that are not its own.
    """
    run = Run(folder)
    n = order(run.settings["p"], run.settings.get("operation", "add"))
    return follow_progress(run, read_splits(data, run.seeds, n), device)


def follow_progress(
    run: Run, splits: dict[int, pd.DataFrame], device: torch.device
) -> dict[str, pd.DataFrame]:
    """``progress`` and ``spectra`` of every seed and checkpoint."""
    progress, spectra = [], []
    for seed in run.seeds:
        split, keys = splits[seed], final_keys(run, seed, device)
        parts = members(split, len(split))
        for step in run.steps(seed):
            common, network = {"seed": seed, "step": step}, exact_at(run, seed, step, device)
            row = common | {"p": network.settings["p"], "n_final_keys": len(keys)}
            if network.finite:
                logits = addition_activations(network.weights, network.architecture).logits
                row |= measure(logits, keys, parts) | describe_weights(network.weights)
                shares = frequency_shares(network.weights["embed.W_E"][0, :-1])
                spectra += [
                    common | {"matrix": "W_E", "frequency": k, "share": share}
                    for k, share in enumerate(shares.tolist(), start=1)
                ]
            progress.append(row)
    return {
        "progress": pd.DataFrame(progress, columns=COLUMNS),
        "spectra": pd.DataFrame(spectra, columns=SPECTRA),
    }


def exact_at(run: Run, seed: int, step: int, device: torch.device) -> Network:
    """One replica at a step, in float64, read as one that adds."""
    return as_addition(network_at(run, seed, step)).exact().to(device)


def final_keys(run: Run, seed: int, device: torch.device) -> list[int]:
    """Key frequencies of the last checkpoint; none for weights that are not finite."""
    network = exact_at(run, seed, run.steps(seed)[-1], device)
    logits = addition_activations(network.weights, network.architecture).logits
    return key_frequencies(key_spectrum(network, logits))


def measure(
    logits: Logits, keys: list[int], parts: dict[str, Bool[Tensor, "pair"]]
) -> dict[str, float]:
    """Mean loss and accuracy of the parts; with key frequencies also restricted and excluded loss,
    and the share of the logits' variance in Σ_{k∈K} cos ω_k (a + b − c) alone."""
    found = judge(logits)
    row = {f"{name}_{s}": own for s in SPLITS for name, own in found.over(parts[s]).items()}
    if keys:
        changed = {"restricted": restricted_logits, "excluded": excluded_logits}
        for kind, change in changed.items():
            answers = judge(change(logits, keys))
            row |= {f"{kind}_loss_{split}": answers.over(parts[split])["loss"] for split in KEYED}
        row["logit_fve"] = float(sum_spectrum(logits)[[k - 1 for k in keys]].sum())
    return row


def describe_weights(weights: dict[str, Tensor]) -> dict[str, float]:
    """Σθ², and the effective rank of W_E (of the numbers) and of W_U."""
    return {
        "norm_squared": sum(float(tensor.square().sum()) for tensor in weights.values()),
        "effective_rank_W_E": effective_rank(weights["embed.W_E"][0, :-1]),
        "effective_rank_W_U": effective_rank(weights["unembed.W_U"][0].T),
    }


def show(folder: Path, tables: dict[str, pd.DataFrame], seed: int, output: Path) -> None:
    """Write what the page shows of one seed beside what ``follow`` found: ``measures.SHOWN``.

    Of a run that lacks the seed, empty files.
    """
    run = Run(folder)
    own = {name: table[table["seed"] == seed] for name, table in tables.items()}
    keys = final_keys(run, seed, torch.device("cpu")) if seed in run.seeds else []
    planes = embedding_planes(run, seed, keys)
    write_tables({"spectra": own["spectra"], "embedding_planes": planes}, output)
    steps = telling_steps(own["progress"])
    kept = {step: as_addition(network_at(run, seed, step)).weights for step in steps}
    write_snapshots(output / SNAPSHOTS, seed, kept)


def embedding_planes(run: Run, seed: int, keys: list[int]) -> pd.DataFrame:
    """Coordinates [number] in the plane of each key at each checkpoint of a seed of the run.

    The plane is that of the checkpoint at hand: in an untrained embedding it already holds a faint
    and ragged circle, since it was chosen for that. An embedding that is not finite is left out.
    """
    planes = []
    for step in run.steps(seed) if keys else []:
        W_E = as_addition(network_at(run, seed, step)).weights["embed.W_E"][0]
        if not W_E.isfinite().all():
            continue
        numbers = number_embeddings(W_E)
        for k in keys:
            x, y = circle(numbers, key_plane(numbers, k), k).coordinates.float().T.numpy()
            at = {"seed": seed, "step": step, "frequency": k, "number": range(len(x))}
            planes.append(pd.DataFrame({**at, "x": x, "y": y}))
    return pd.concat(planes) if planes else pd.DataFrame(columns=PLANES, dtype=float)
