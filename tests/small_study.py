"""A study's files as the page reads them, small and written by hand: its networks are untrained."""

import base64
import json
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
from helpers import addition_settings, random_weights, regression_settings, run_program
from PIL import Image

from mechanics.addition.snapshots import as_int8
from mechanics.models import regression
from mechanics.models.weights import Network, write_network
from mechanics.settings import as_argument
from mechanics.training.checkpoint import checkpoint_key, write_tensors

P, KEYS, STEPS = 13, (2, 5), (0, 1, 10, 100, 200)
FIGURES = {
    "linear_regression": {"attention_maps_regression": ["tables/attention_match.csv"]},
    "modular_addition": {"embedding": ["analysis/embedding.parquet"]},
}
TASKS = tuple(FIGURES)


def write_study(folder: Path, tasks: tuple[str, ...] = TASKS) -> tuple[Path, list[Path]]:
    """Write results/small; return it and the folders of the runs that its page shows.

    Track A: ``linear_L1``. Track B: ``softmax_L1``, which grokked and has snapshots, and
    ``softmax_L1_held``, which did not and has none, nor checkpoints.
    """
    study = folder / "results/small"
    (study / "tables").mkdir(parents=True)
    table = [row for task in tasks for row in comparison_rows(task)]
    pd.DataFrame(table).to_csv(study / "tables/comparative_metrics.csv", index=False)
    runs = []
    if "linear_regression" in tasks:
        write_weights(study, "linear_L1", regression_settings())
    if "modular_addition" in tasks:
        runs = write_addition(study)
    for task in tasks:
        for name, data in FIGURES[task].items():
            write_picture(study / f"figures/{name}.png")
            write_picture(study / f"figures/{name}.pdf")
            for path in (own for own in data if own.startswith("tables/")):
                (study / path).touch()
    (study / "tables/comparative_metrics.md").touch()
    return study, runs


def build(study: Path, runs: list[Path], absent: tuple[str, ...] = ()) -> dict[str, str]:
    """Run the program; return both pages by name."""
    tasks = {path.name for path in (study / "weights").iterdir()}
    contents = {
        task: {"drawn": FIGURES[task], "absent": list(absent)} for task in TASKS if task in tasks
    }
    given = ("--study", study, "--runs", *runs, "--contents", as_argument(contents))
    run_program("build_page", *given, "--output", study / "page")
    return {path.name: path.read_text() for path in (study / "page").iterdir()}


def read_bytes(text: str, kind: str) -> np.ndarray:
    """Numbers that the page has packed as text."""
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), kind)


def comparison_rows(task: str) -> list[dict]:
    common = {"configuration": "Linear Attention (L=1)", "task": task, "model": "linear_L1"}
    common |= {"metric": "MSE/d at k = 5", "value": 0.6543, "ci_low": 0.6, "ci_high": 0.7}
    common |= {"n_seeds": 2, "flops_per_prompt": 6050, "train_flops": 2.9e10}
    common |= {"interpretation": "nearest to <one step>", "evaluation_se": 0.001}
    levels = {"OLS": 0.5, "one-step optimum r*": 0.6111}
    return [common | {"reference": name, "reference_value": r} for name, r in levels.items()]


def write_weights(study: Path, model: str, settings: dict, seed: int = 0, weights=None) -> None:
    """Final weights of one seed; its first ones, if none are given."""
    task = settings["task"]
    if weights is None and task == "linear_regression":
        weights = regression.initial(settings, seed)
    elif weights is None:
        weights = random_weights(settings)
    stacked = {name: tensor[None] for name, tensor in weights.items()}
    network = Network(task, model, seed, settings["steps"], "finished", settings, stacked)
    write_network(study / f"weights/{task}/{model}/seed{seed}.safetensors", network)


def write_addition(study: Path) -> list[Path]:
    common = {"seed": 0, "memorised_step": 10.0, "last_step": STEPS[-1]}
    common |= {"norm_factor": 1.0, "temperature": 1.0, "epsilon": 1e-8}
    free = {"entry": "softmax_L1", "status": "grokked", "grokking_step": 100.0}
    held = {"entry": "softmax_L1_held", "status": "censored", "grokking_step": np.nan}
    ends = pd.DataFrame([common | free, common | held])
    grokked = ends[:1].assign(first_reached_step=ends["grokking_step"])
    grokked.to_csv(study / "tables/grokking.csv", index=False)
    doses = ends.assign(arm=["main", "held_norm"], weight_decay=[1.0, 0.0])
    doses.to_csv(study / "tables/norm_dose.csv", index=False)
    runs = [write_training(study, name) for name in ends["entry"]]
    split = pd.DataFrame({"a": np.arange(P * P) // P, "b": np.arange(P * P) % P})
    split["split"] = np.where(split["a"] % 3 == 0, "train", "validation")
    (study / "data/modular_addition").mkdir(parents=True)
    split.to_parquet(study / "data/modular_addition/split_seed0.parquet")
    return runs


def write_training(study: Path, entry: str) -> Path:
    norm = "held" if entry.endswith("held") else "free"
    settings = addition_settings(p=P, steps=STEPS[-1], norm=norm)
    weights, frames = random_weights(settings), addition_frames()
    write_weights(study, entry, settings, weights=weights)
    place = f"modular_addition/{entry}/0"
    run, analysis = study / "runs" / place, study / "analysis" / place
    run.mkdir(parents=True)
    (run / "run.json").write_text(json.dumps({"settings": settings}))
    frames.pop("history").to_parquet(run / "history.parquet")
    if norm == "free":
        analysis.mkdir(parents=True)
        for name, frame in frames.items():
            frame.to_parquet(analysis / f"{name}.parquet")
        write_snapshots(analysis / "snapshots.safetensors", weights)
    return run


def write_snapshots(path: Path, weights: dict) -> None:
    tensors, scales = {}, {}
    for step in (STEPS[0], STEPS[2]):
        for name, tensor in weights.items():
            key = checkpoint_key(0, step, name)
            tensors[key], scales[key] = as_int8(tensor)
    write_tensors(path, tensors, {"scales": scales})


def addition_frames() -> dict[str, pd.DataFrame]:
    """A history, and what follows a network whose circles grow."""
    steps = pd.DataFrame({"seed": 0, "step": STEPS, "done": np.linspace(0, 1, len(STEPS))})
    history = steps.merge(pd.DataFrame({"split": ["train", "validation"]}), "cross")
    done = history["done"]
    history = history.assign(loss=2.5 - 2 * done, accuracy=done, norm_squared=100 - 40 * done)
    spectra = steps.merge(pd.DataFrame({"matrix": "W_E", "frequency": range(1, 7)}), "cross")
    spectra["share"] = 0.1 + 0.3 * spectra["done"] * spectra["frequency"].isin(KEYS)
    spectra["share"] /= spectra.groupby("step")["share"].transform("sum")
    planes = steps.merge(pd.DataFrame({"frequency": KEYS}), "cross")
    planes = planes.merge(pd.DataFrame({"number": range(P)}), "cross")
    angle, radius = 2 * np.pi * planes["frequency"] * planes["number"] / P, 0.1 + planes["done"]
    planes = planes.assign(x=radius * np.cos(angle), y=radius * np.sin(angle))
    return {"history": history, "spectra": spectra, "embedding_planes": planes}


def write_picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shades = np.linspace(0, 255, 1400 * 700).reshape(700, 1400).astype("u1")
    Image.fromarray(shades).save(path)
