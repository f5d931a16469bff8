"""A study of networks of a few weights, and Snakemake on a folder that has its config."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
CHECKPOINTS = {"log_spaced": 3, "log_until": 10, "every": 10}
STUDY = yaml.safe_load((ROOT / "config/config.yaml").read_text())
TINY = {
    "study": "tiny",
    "linear_regression": {
        "d": 2,
        "k_max": 8,
        "tabulated_at": [5, 8],
        "training_theory": False,
        "evaluation": {"context_lengths": [5, 8], "n_prompts": 64, "n_queries": 1},
        "defaults": {"steps": 20, "measured_at": [5, 8], "n_prompts_history": 64}
        | {"checkpoints_at": CHECKPOINTS},
        "models": dict.fromkeys(STUDY["linear_regression"]["models"])
        | {
            "linear_L1": {"seeds": [0, 1], "stack": 2},
            "linear_L1_subspace": {"seeds": [0], "d_max": 4},
            "linear_L1_tasks": {"variant_of": "linear_L1", "n_tasks": 2, "seeds": [0]}
            | {"stack": 1, "checkpoints_at": None},
            "softmax_L1": {"seeds": [0]},
            "deep_L6": {"seeds": [0], "n_layers": 2, "d_model": 8, "d_mlp": 8, "steps": 20}
            | {"n_prompts_history": 32, "measure_every": 10, "checkpoints_at": CHECKPOINTS},
        },
    },
    "modular_addition": {
        "p": 11,
        "defaults": {"d_model": 8, "d_mlp": 16, "seeds": [0, 1], "steps": 20, "measure_every": 10}
        | {"checkpoints_at": CHECKPOINTS},
        "grid": None,
        "models": dict.fromkeys(STUDY["modular_addition"]["models"])
        | {
            "softmax_L1": {"seeds": [0, 1]},
            "softmax_L1_wd0": {"seeds": [0], "steps": 200, "checkpoints_at": {"every": 50}},
            "softmax_L1_held": {"seeds": [0], "steps": 20, "checkpoints_at": None},
        },
    },
}
MARGINS = '''"""Margins."""

import matplotlib.pyplot as plt


def margins(grokking):
    figure, axis = plt.subplots()
    axis.plot(grokking["min_margin"], "o")
    return figure
'''
RUNS = "results/tiny/runs"
LAST = {"all", "record_provenance"}


def copy_project(folder: Path) -> Path:
    """Copy the files that a run of the workflow needs; return the folder."""
    for name in ("config", "workflow", "scripts", "envs"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored, dirs_exist_ok=True)
    return folder


def snakemake(
    folder: Path, *arguments: str, config: dict = TINY, environment: dict | None = None
) -> subprocess.CompletedProcess:
    (folder / "tiny.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    return subprocess.run(
        [*command, "--configfile", "tiny.yaml"],  # last: it takes all that follows it
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def succeeded(result: subprocess.CompletedProcess) -> subprocess.CompletedProcess:
    assert result.returncode == 0, result.stdout + result.stderr
    return result


def planned(folder: Path, config: dict = TINY) -> set[str]:
    """Rules that a dry run would run, without `all`, and the record that follows any change."""
    result = succeeded(snakemake(folder, "--dry-run", "--quiet", "host", config=config))
    stats = re.search(r"Job stats:\n.*?\n-+ .*?\n(.*?)\ntotal", result.stdout, re.DOTALL)
    assert stats or "Nothing to be done" in result.stdout + result.stderr
    jobs = {line.split()[0] for line in stats[1].splitlines()} - LAST if stats else set()
    return {
        "train" if name.startswith("train_") else re.sub(r"_(\d+|long|theory)$", "", name)
        for name in jobs
    }


def changed(**sections) -> dict:
    """TINY with some values of its sections changed."""
    return TINY | {name: TINY[name] | values for name, values in sections.items()}


@contextmanager
def edited(path: Path) -> Iterator[None]:
    """A file of the project with one line more; afterwards it is as it was, with a newer date."""
    before = path.read_text()
    path.write_text(before + "\n# edited\n")
    try:
        yield
    finally:
        path.write_text(before)


def python(folder: Path, program: str, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, f"scripts/{program}.py", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def insert(path: Path, before: str, lines: str) -> None:
    text = path.read_text()
    assert text.count(before) == 1, f"{path}: {before!r} is not there once"
    path.write_text(text.replace(before, lines + before))


def add_figure(folder: Path) -> None:
    """A figure of the grokking table, as the README says: a module, a caption and a line."""
    figures = folder / "scripts/mechanics/figures"
    (figures / "margins.py").write_text(MARGINS)
    caption = folder / "workflow/report/margins_figure.rst"
    caption.write_text("Margins\n\nHow sure each network is.\n")
    line = '        "margins": ["grokking"],\n'
    insert(figures / "registry.py", '        "grokking_curves": ', line)
