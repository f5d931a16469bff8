"""What a study left behind, read the same way from its own folder and from ``results/published``.

Both keep the last weights of each seed (``weights/{task}/{model}/seed{n}.safetensors``); where they
are not extracted yet they are read from the checkpoints of the runs.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from jaxtyping import Float
from torch import Tensor

from mechanics.models.transformer import Architecture, architecture
from mechanics.regression.effective_weights import is_one_linear_layer
from mechanics.tables.frames import read_table
from mechanics.training.checkpoint import CheckpointError, Run, read_tensors


@dataclass(frozen=True)
class FinalNetwork:
    """The last saved weights of one replica, with a leading seed dimension of 1."""

    task: str
    model: str
    seed: int
    step: int
    settings: dict
    weights: dict[str, Float[Tensor, "1 ..."]]

    @property
    def architecture(self) -> Architecture:
        return architecture(self.settings)


def networks(study: Path) -> list[tuple[str, str]]:
    """(task, model) of all networks whose weights are in the folder, in alphabetical order.

    Raises CheckpointError if the folder holds no weights at all.
    """
    found = {path.parts[-4:-2] for path in study.glob("runs/*/*/*/run.json")}
    found |= {path.parts[-3:-1] for path in study.glob("weights/*/*/seed*.safetensors")}
    if not found:
        raise CheckpointError(
            f"{study}: no weights: expected the folder of a finished study, or results/published"
        )
    return sorted(found)


def final_networks(study: Path, task: str, model: str) -> list[FinalNetwork]:
    """The final network of every seed, in order, without those whose weights are not finite.

    Raises CheckpointError if there are no weights of the model, or none that can be read.
    """
    kept = _from_weights(study, task, model) or _from_runs(study, task, model)
    if not kept:
        raise CheckpointError(f"{study}: no weights of {task}/{model}")
    sound = [n for n in kept if all(bool(t.isfinite().all()) for t in n.weights.values())]
    return sorted(sound, key=lambda network: network.seed)


def final_weights(study: Path, task: str, model: str, seed: int) -> FinalNetwork:
    """The final network of one seed. Raises CheckpointError if it is missing or not finite."""
    for network in final_networks(study, task, model):
        if network.seed == seed:
            return network
    raise CheckpointError(f"{study}: no finite weights of {task}/{model}, seed {seed}")


def _from_runs(study: Path, task: str, model: str) -> list[FinalNetwork]:
    runs = [Run(path.parent) for path in sorted(study.glob(f"runs/{task}/{model}/*/run.json"))]
    return [
        FinalNetwork(task, model, seed, run.steps(seed)[-1], run.settings, run.final(seed))
        for run in runs
        for seed in run.seeds
    ]


def _from_weights(study: Path, task: str, model: str) -> list[FinalNetwork]:
    kept = []
    for path in sorted(study.glob(f"weights/{task}/{model}/seed*.safetensors")):
        weights, about = read_tensors(path)
        stacked = {name: tensor[None] for name, tensor in weights.items()}
        kept.append(
            FinalNetwork(
                task, model, about["seed"], about["step"], _complete(about["settings"]), stacked
            )
        )
    return kept


def _settings(study: Path, task: str, model: str) -> dict:
    """The settings of a model whose weights are in the folder."""
    records = sorted(study.glob(f"runs/{task}/{model}/*/run.json"))
    if records:
        return json.loads(records[0].read_text())["settings"]
    path = min(study.glob(f"weights/{task}/{model}/seed*.safetensors"))
    return _complete(read_tensors(path)[1]["settings"])


def _complete(settings: dict) -> dict:
    """Settings that were published before a key was there, with what it was then."""
    return {"d_max": None} | settings if settings["task"] == "linear_regression" else settings


def _is_gradient_step(settings: dict) -> bool:
    """One layer and head of linear attention on the tokens, which have d + 1 coordinates."""
    if settings["task"] != "linear_regression" or settings["d_max"] or settings["n_heads"] > 1:
        return False
    return is_one_linear_layer(architecture(settings))


def _is_clock(settings: dict) -> bool:
    """One softmax layer on addition whose neurons write to the logits directly.

    TransformerLens can express it, and W_L says what its neurons do.
    """
    if settings["task"] != "modular_addition" or settings["attention"] != "softmax":
        return False
    return architecture(settings).reads_neurons_directly


# What the notebook opens up, by the tag of the cells that need it.
ROLES = {"gradient-step": _is_gradient_step, "clock": _is_clock}


def model_for(study: Path, role: str) -> tuple[str, str] | None:
    """(task, model) of the study's network for a role in ``ROLES``; None if it has none.

    It has a seed with finite weights. Of several it is the one with the shortest name: variants of
    a model carry its name and more.

    Raises KeyError for an unknown role, and CheckpointError as ``networks`` does.
    """
    fits = ROLES[role]
    suitable = [name for name in networks(study) if fits(_settings(study, *name))]
    by_length = sorted(suitable, key=lambda name: (len(name[1]), name))
    return next((name for name in by_length if final_networks(study, *name)), None)


def table(study: Path, name: str) -> pd.DataFrame | None:
    """A table of the study by its name; None if the study does not have it."""
    path = study / "tables" / f"{name}.csv"
    return read_table(path) if path.exists() else None
