"""Small settings and data files that several tests use."""

import json
import sys
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pandas as pd
import torch

from mechanics.models import addition
from mechanics.models.transformer import Architecture, architecture, initialise
from mechanics.models.weights import Network
from mechanics.regression.held_out import HeldOut, read_held_out
from mechanics.runtime.files import sha256
from mechanics.settings import as_argument
from mechanics.study.config import load, training_settings
from mechanics.training.checkpoint import checkpoint_key, write_tensors

STUDY = str(Path(__file__).parents[1] / "config" / "config.yaml")
SMALL = {
    **{"steps": 20, "warmup_steps": 5, "learning_rate": 0.01, "schedule": "constant"},
    **{"betas": [0.9, 0.98], "weight_decay": 0.1, "gradient_clip": 1.0, "measure_every": 5},
    **{"checkpoint_on_change": 0.5},
    **{"checkpoints_at": {"log_spaced": 3, "log_until": 10, "every": 10, "also": []}},
}


def addition_settings(**changes) -> dict:
    own = {"p": 11, "n_heads": 2, "d_model": 8, "d_mlp": 16, "pairs_per_step": 20}
    study = training_settings(load([STUDY]), "modular_addition", "softmax_L1")
    return study | SMALL | own | {"stop_after_grokking": None} | changes


def regression_settings(**changes) -> dict:
    own = {"d": 3, "k_min": 2, "k_max": 8, "measured_at": [4, 8], "n_prompts_history": 16}
    own |= {"prompts_per_step": 16, "queries_per_prompt": 2, "full_range_at": 0.5}
    study = training_settings(load([STUDY]), "linear_regression", "linear_L1")
    return study | SMALL | own | changes


def write_data(folder: Path, settings: dict, seeds: list[int]) -> list[Path]:
    """Run the data stage for these settings, once."""

    def prepare(name: str, slice_: dict, *of_seed) -> Path:
        given = ("--settings", as_argument(slice_), "--output", folder / name, *of_seed)
        run_program("prepare_data", "--task", settings["task"], *given)
        return folder / name

    if settings["task"] == "linear_regression":
        slice_ = {"d": settings["d"], "context_lengths": settings["measured_at"]}
        slice_ |= {"n_prompts": settings["n_prompts_history"], "n_queries": 2}
        return [prepare("evaluation.safetensors", slice_)]
    slice_ = {key: settings[key] for key in ("p", "train_fraction")}
    return [prepare(f"split_seed{seed}.parquet", slice_, "--seed", seed) for seed in seeds]


def run_program(name: str, *arguments) -> None:
    """Run a program of scripts/ with these arguments, in this process: torch is imported once."""
    with patch.object(sys, "argv", [f"{name}.py", *map(str, arguments)]):
        import_module(name).main()


def write_run(folder: Path, settings: dict, weights: dict[str, torch.Tensor]) -> Path:
    """A finished run of seed 0 whose last weights are given (without a seed dimension)."""
    return write_checkpoints(folder, settings, {(0, settings["steps"]): weights})


def write_checkpoints(
    folder: Path, settings: dict, checkpoints: dict[tuple[int, int], dict], status="finished"
) -> Path:
    """A run that has these weights (without a seed dimension), by (seed, step)."""
    path = folder / "checkpoints.safetensors"
    tensors = {
        checkpoint_key(*at, name): tensor.float()
        for at, weights in checkpoints.items()
        for name, tensor in weights.items()
    }
    write_tensors(path, tensors)
    own = {"status": status, "last_step": max(step for _, step in checkpoints), "train_flops": 1}
    replicas = [{"seed": seed} | own for seed in {seed for seed, _ in checkpoints}]
    record = {"settings": settings, "replicas": replicas, "checkpoints_sha256": sha256(path)}
    (folder / "run.json").write_text(json.dumps(record))
    return folder


def addition_network(
    settings: dict, weights: dict[str, torch.Tensor], seed: int = 0, status: str = "grokked"
) -> Network:
    """A final network in float64 with these weights (without a seed dimension)."""
    stacked = {name: tensor[None] for name, tensor in weights.items()}
    network = Network("modular_addition", "model", seed, 20, status, settings, stacked)
    return network.exact()


def random_weights(settings: dict, std: float = 0.5) -> dict[str, torch.Tensor]:
    """Weights of an addition network with these settings (without a seed dimension)."""
    shapes = addition.parameter_shapes(architecture(settings), settings["p"])
    return initialise(shapes, std, torch.Generator().manual_seed(0))


def random_network(std: float = 0.5, **changes) -> Network:
    """An untrained addition network with these changes of ``addition_settings``."""
    settings = addition_settings(**changes)
    return addition_network(settings, random_weights(settings, std))


def addition_stack(network: Architecture, p: int, n_seeds: int = 1) -> dict[str, torch.Tensor]:
    """Random weights with a seed dimension, of biases and LayerNorms, too: a lost one is seen."""
    draw, shapes = torch.Generator().manual_seed(0), addition.parameter_shapes(network, p)
    return {n: 0.2 * torch.randn(n_seeds, *own, generator=draw) for n, own in shapes.items()}


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    """Independent draws from N(0, 1), float64."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def single(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights of the first replica: float32, without the seed dimension."""
    return {name: own[0].float().clone() for name, own in weights.items()}


def sizes_of(network: Architecture) -> dict:
    """The settings that make a network of this architecture."""
    names = ("attention", "n_layers", "n_heads", "d_model", "d_mlp", "layer_norm")
    return {name: getattr(network, name) for name in names}


def regression_network(
    settings: dict, weights: dict[str, torch.Tensor], seed: int = 0, status: str = "finished"
) -> Network:
    """A final network with these weights (without a seed dimension)."""
    stacked = {name: tensor[None] for name, tensor in weights.items()}
    return Network("linear_regression", "model", seed, 20, status, settings, stacked)


def held_out(settings: dict) -> HeldOut:
    """The prompts that the data stage makes for these settings."""
    with TemporaryDirectory() as folder:
        path = write_data(Path(folder), settings, [])[0]
        return read_held_out(path, torch.device("cpu"), settings)


def addition_split(settings: dict, seed: int = 0) -> pd.DataFrame:
    """The split that the data stage makes for these settings."""
    with TemporaryDirectory() as folder:
        return pd.read_parquet(write_data(Path(folder), settings, [seed])[0])
