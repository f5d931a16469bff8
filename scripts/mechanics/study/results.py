"""The networks of a study, found the same way in its own folder and in ``results/published``.

Both keep the final weights, ``weights/{task}/{model}/seed{n}.safetensors``.
"""

from pathlib import Path

import pandas as pd

from mechanics.models.transformer import architecture
from mechanics.models.weights import Network, read_network
from mechanics.regression.effective_weights import is_one_linear_layer
from mechanics.tables.frames import read_table
from mechanics.training.checkpoint import CheckpointError


def networks(study: Path) -> list[tuple[str, str]]:
    """(task, model) of all networks whose weights are in the folder, in alphabetical order.

    Raises CheckpointError if the folder holds no weights at all.
    """
    found = {path.parts[-3:-1] for path in study.glob("weights/*/*/seed*.safetensors")}
    if not found:
        raise CheckpointError(
            f"{study}: no weights: expected the folder of a finished study, or results/published"
        )
    return sorted(found)


def final_networks(study: Path, task: str, model: str) -> list[Network]:
    """The final network of every seed, in order, without those whose weights are not finite."""
    kept = map(read_network, study.glob(f"weights/{task}/{model}/seed*.safetensors"))
    return sorted((network for network in kept if network.finite), key=lambda own: own.seed)


def _is_gradient_step(settings: dict) -> bool:
    """One layer and head of linear attention on the tokens [x; y], x in d dimensions."""
    if settings["task"] != "linear_regression" or settings["d_max"] or settings["n_heads"] > 1:
        return False
    own = architecture(settings)
    return is_one_linear_layer(own) and not own.zero_tokens


def _is_clock(settings: dict) -> bool:
    """One softmax layer on addition whose neurons write to the logits directly.

    TransformerLens can express it, and W_L says what its neurons do.
    """
    if settings["task"] != "modular_addition" or settings["attention"] != "softmax":
        return False
    return architecture(settings).reads_neurons_directly


def _is_deep_addition(settings: dict) -> bool:
    """Several softmax layers on addition, which TransformerLens can express."""
    addition = settings["task"] == "modular_addition" and settings["attention"] == "softmax"
    return addition and settings["n_layers"] > 1


# What the notebook opens up, by the tag of the cells that need it.
ROLES = {
    "gradient-step": _is_gradient_step,
    "clock": _is_clock,
    "deep-addition": _is_deep_addition,
}


def model_for(study: Path, role: str) -> tuple[str, str] | None:
    """(task, model) of the study's network for a role in ``ROLES``; None if it has none.

    It was trained in this study, not imported.

    It has a seed with finite weights. Of several it is the one with the shortest name: variants of
    a model carry its name and more.

    Raises KeyError for an unknown role, and CheckpointError as ``networks`` does.
    """
    for task, model in sorted(networks(study), key=lambda name: (len(name[1]), name)):
        first = final_networks(study, task, model)[:1]
        if any(ROLES[role](own.settings) and "weights" not in own.settings for own in first):
            return task, model
    return None


def table(study: Path, name: str) -> pd.DataFrame | None:
    """A table of the study by its name; None if the study does not have it."""
    path = study / "tables" / f"{name}.csv"
    return read_table(path) if path.exists() else None
