"""The networks of a study, found the same way in its own folder and in ``results/published``.

Both keep the final weights, ``weights/{task}/{model}/seed{n}.safetensors``.
"""

from pathlib import Path

import pandas as pd

from mechanics.models.transformer import architecture
from mechanics.models.weights import Network, read_network
from mechanics.regression.effective_weights import has_exact_risk
from mechanics.tables.contents import adds
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


def roles(settings: dict) -> dict[str, bool]:
    """Which networks the notebook opens up, by the tag of the cells that need one: is this one?"""
    own, is_regression = architecture(settings), settings["task"] == "linear_regression"
    adding = not is_regression and adds(settings)  # cells and page judge it by a + b
    in_lens = adding and settings["attention"] == "softmax"  # TransformerLens has it
    return {
        # one layer and head of linear attention on the tokens [x; y], x in d dimensions
        "gradient-step": is_regression
        and not settings["d_max"]
        and has_exact_risk(own)
        and not own.zero_tokens,
        # its neurons write to the logits directly: W_L says what they do
        "clock": in_lens and own.reads_neurons_directly,
        "deep-addition": in_lens and settings["n_layers"] > 1,
    }


def model_for(study: Path, role: str) -> tuple[str, str] | None:
    """(task, model) of the study's network for one of ``roles``; None if it has none.

    It was trained in this study, not imported, and has a seed with finite weights. Of several it is
    the one with the shortest name: variants of a model carry its name and more.

    Raises KeyError for an unknown role, and CheckpointError as ``networks`` does.
    """
    for task, model in sorted(networks(study), key=lambda name: (len(name[1]), name)):
        first = final_networks(study, task, model)[:1]
        if any(roles(own.settings)[role] and "weights" not in own.settings for own in first):
            return task, model
    return None


def table(study: Path, name: str) -> pd.DataFrame | None:
    """A table of the study by its name; None if the study does not have it."""
    path = study / "tables" / f"{name}.csv"
    return read_table(path) if path.exists() else None
