"""A study's files as the page reads them, small and written by hand: numbers are of no network."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from helpers import run_program
from PIL import Image

from mechanics.settings import as_argument

ROOT = Path(__file__).parents[1]
P, KEYS, STEPS = 13, (2, 5), (0, 1, 10, 100, 200)
LENGTHS = (5, 10)
FIGURES = {
    "linear_regression": {"attention_maps_regression": ["tables/attention_match.csv"]},
    "modular_addition": {"embedding": ["analysis/embedding.parquet"]},
}
TASKS = tuple(FIGURES)


def write_study(folder: Path, tasks: tuple[str, ...] = TASKS) -> tuple[Path, list[Path]]:
    """Write results/small; return it and the folders of its runs.

    Track A: ``linear_L1``, three seeds of which seed 2 diverged, and ``deep_L6``, one seed. Track
    B: ``softmax_L1``, seed 0 grokked, seed 1 did not, and ``softmax_L1_wd0``, which diverged.
    """
    study = folder / "results/small"
    (study / "tables").mkdir(parents=True)
    table = [row for task in tasks for row in comparison_rows(task)]
    pd.DataFrame(table).to_csv(study / "tables/comparative_metrics.csv", index=False)
    runs = []
    if "linear_regression" in tasks:
        runs += write_regression(study)
    if "modular_addition" in tasks:
        runs += write_addition(study)
    for task in tasks:
        for name in FIGURES[task]:
            write_picture(study / f"figures/{name}.png")
    return study, runs


def build(study: Path, runs: list[Path], output: Path, absent: tuple[str, ...] = ()) -> str:
    """Run the program; return the page."""
    tasks = {run.parts[-3] for run in runs}
    contents = {
        task: {"drawn": FIGURES[task], "absent": list(absent)} for task in TASKS if task in tasks
    }
    run_program(
        *("build_page", "--study", study, "--runs", *runs, "--contents", as_argument(contents)),
        *(
            "--templates",
            ROOT / "workflow/page",
            "--caption",
            ROOT / "workflow/report/comparative_metrics_table.rst",
        ),
        *("--output", output),
    )
    return output.read_text()


def comparison_rows(task: str) -> list[dict]:
    common = {"configuration": "Linear Attention (L=1)", "task": task, "model": "linear_L1"}
    common |= {"metric": "MSE/d at k = 5", "value": 0.6543, "ci_low": 0.6, "ci_high": 0.7}
    common |= {"n_seeds": 2, "flops_per_prompt": 6050, "train_flops": 2.9e10}
    common |= {"interpretation": "nearest to <one step>", "evaluation_se": 0.001}
    levels = {"OLS": 0.5, "one-step optimum r*": 0.6111}
    return [common | {"reference": name, "reference_value": r} for name, r in levels.items()]


def write_record(run: Path, task: str, statuses: dict[int, str]) -> Path:
    run.mkdir(parents=True)
    settings = {"task": task, "d": 10, "k_min": 5, "k_max": 10, "p": P, "train_fraction": 0.3}
    replicas = [{"seed": seed, "status": status} for seed, status in statuses.items()]
    (run / "run.json").write_text(json.dumps({"settings": settings, "replicas": replicas}))
    return run


def write_regression(study: Path) -> list[Path]:
    runs, risks = [], []
    for model, n_layers, seeds in (("linear_L1", 1, (0, 1, 2)), ("deep_L6", 6, (0,))):
        status = {seed: "diverged" if seed == 2 else "finished" for seed in seeds}
        run = write_record(study / f"runs/linear_regression/{model}/0", "linear_regression", status)
        rows = [
            {"step": step, "seed": seed, "k": k, "risk": 1 / (1 + k * step / 100 + seed / 10)}
            for seed in seeds
            for step in (STEPS[:2] if seed == 2 else STEPS)
            for k in LENGTHS
        ]
        pd.DataFrame(rows).to_parquet(run / "history.parquet")
        runs.append(run)
        risks += [
            {"model": model, "seed": seed, "status": status[seed], "k": k, "n_layers": n_layers}
            | {"risk": 10 / (10 + k), "one_step_optimum": 11 / (k + 11), "one_step_mixture": 0.7}
            | {"gd_free": 0.3, "ols": max(0, 1 - k / 10)}
            for seed in seeds
            for k in LENGTHS
        ]
    pd.DataFrame(risks).to_csv(study / "tables/regression_risk.csv", index=False)
    return runs


def write_addition(study: Path) -> list[Path]:
    grokking, runs = [], []
    for entry, seed, status in (
        ("softmax_L1", 0, "grokked"),
        ("softmax_L1", 1, "censored"),
        ("softmax_L1_wd0", 0, "diverged"),
    ):
        place = f"modular_addition/{entry}/{seed}"
        runs.append(write_record(study / "runs" / place, "modular_addition", {seed: status}))
        grokking.append(
            {"model": "softmax_L1", "arm": "main" if entry == "softmax_L1" else "weight_decay"}
            | {"weight_decay": 0.0, "seed": seed, "status": status, "entry": entry}
            | {"grokking_step": 100.0 if status == "grokked" else np.nan, "last_step": STEPS[-1]}
            | {"first_reached_step": 10.0 if status == "grokked" else np.nan}
        )
        frames = addition_frames(seed, finite=2 if status == "diverged" else len(STEPS))
        if status != "grokked":
            frames |= {name: frames[name].iloc[:0] for name in ("embedding_planes",)}
            frames |= {"embedding_trace": frames["embedding_trace"].iloc[:0]}
        frames.pop("history").to_parquet(runs[-1] / "history.parquet")
        analysis = study / "analysis" / place
        analysis.mkdir(parents=True)
        for name, frame in frames.items():
            frame.to_parquet(analysis / f"{name}.parquet")
    pd.DataFrame(grokking).to_csv(study / "tables/grokking.csv", index=False)
    return runs


def addition_frames(seed: int, finite: int) -> dict[str, pd.DataFrame]:
    """What the analyses write for a network whose circles grow; the first ``finite`` checkpoints
    have finite weights."""
    history, progress, spectra, planes, circles = [], [], [], [], []
    for place, step in enumerate(STEPS):
        done = place / (len(STEPS) - 1)
        common = {"seed": seed, "step": step}
        norm = 100.0 - 10 * place if place < finite else np.nan
        for split in ("train", "validation"):
            history.append(common | {"split": split, "loss": 2.5 - 2 * done, "accuracy": done})
            history[-1]["norm_squared"] = norm
        progress.append(common | {"norm_squared": norm, "logit_fve": done})
        progress[-1] |= {"restricted_loss_all": 2.0, "excluded_loss_train": 3.0 + done}
        shares = np.where(np.isin(np.arange(1, 7), KEYS), 0.1 + 0.3 * done, 0.1)
        spectra += [
            common | {"matrix": "W_E", "frequency": k, "share": share / shares.sum()}
            for k, share in enumerate(shares, start=1)
            if place < finite
        ]
        for k in KEYS:
            angle = 2 * np.pi * k * np.arange(P) / P
            radius = 0.1 + done + (1 - done) * 0.05 * np.cos(3 * angle)
            own = {"number": np.arange(P), "x": radius * np.cos(angle), "y": radius * np.sin(angle)}
            planes.append(pd.DataFrame(common | {"frequency": k} | own))
            circles.append(common | {"frequency": k, "angle_r_squared": 0.5 + done / 2})
            circles[-1] |= {"radius_cv": 0.3 - 0.2 * done, "fve": 0.1 + done / 3}
    return {
        "history": pd.DataFrame(history),
        "progress": pd.DataFrame(progress),
        "spectra": pd.DataFrame(spectra),
        "embedding_planes": pd.concat(planes, ignore_index=True),
        "embedding_trace": pd.DataFrame(circles),
    }


def write_picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shades = np.linspace(0, 255, 1400 * 700).reshape(700, 1400).astype("u1")
    Image.fromarray(shades).save(path)
