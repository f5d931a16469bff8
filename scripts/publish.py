"""Copy the small products of a finished study to results/published/: tables, figures as PNG, the
final weights of every replica, and where all of it came from.

The old content is replaced once the new one is complete.
"""

import argparse
import json
import os
import platform
import shutil
import sys
from pathlib import Path

import pandas as pd

from mechanics.config import TASKS, blocks, load, models
from mechanics.files import sha256
from mechanics.provenance import git_commit
from mechanics.training.checkpoint import CheckpointError, Run, write_tensors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", required=True, type=Path, help="e.g. results/full")
    parser.add_argument("--config", required=True, type=Path, nargs="+", help="its config files")
    parser.add_argument("--output", type=Path, default=Path("results/published"))
    arguments = parser.parse_args()
    fresh = arguments.output.with_name(f".{arguments.output.name}.part")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        publish(arguments.study, arguments.config, fresh)
    except (CheckpointError, OSError) as error:
        sys.exit(f"publish.py: {error}")
    shutil.rmtree(arguments.output, ignore_errors=True)
    fresh.rename(arguments.output)


def publish(study: Path, config: list[Path], output: Path) -> None:
    """Raises CheckpointError if a run is not whole, OSError if tables or figures are missing."""
    folders = run_folders(study, load([str(path) for path in config]))
    records = [publish_weights(folder, output / "weights") for folder in folders]
    shutil.copytree(study / "tables", output / "tables")
    shutil.copytree(study / "figures", output / "figures", ignore=shutil.ignore_patterns("*.pdf"))
    for path in config:
        shutil.copy(path, output)
    (output / "provenance.json").write_text(
        json.dumps(
            {
                "published_at_commit": git_commit(),
                "trained_at_commits": sorted({record["git_commit"] for record in records}),
                "config": [path.name for path in config],
                "machine": machine(),
                "runs": records,
                "training_seconds": round(sum(record["seconds"] for record in records), 1),
                "largest_job_memory_mb": largest_job_memory(study / "benchmarks"),
                "sha256": {
                    str(path.relative_to(output)): sha256(path)
                    for path in sorted(output.rglob("*"))
                    if path.is_file()
                },
            },
            indent=1,
        )
        + "\n"
    )


def run_folders(study: Path, config: dict) -> list[Path]:
    """The runs that the config asks for, and no others that may lie in the study's folder."""
    return [
        study / "runs" / task / model / block
        for task in TASKS
        if config.get(task)
        for model in models(config[task])
        for block in blocks(config[task], model)
    ]


def publish_weights(folder: Path, output: Path) -> dict:
    """Write the last checkpoint of every replica of a run; return the run's record."""
    run = Run(folder)
    task, model, block = folder.parts[-3:]
    for seed in run.seeds:
        weights = {name: tensor[0] for name, tensor in run.final(seed).items()}
        metadata = {"task": task, "model": model, "seed": seed, "step": run.steps(seed)[-1]}
        metadata["settings"] = run.settings
        write_tensors(output / task / model / f"seed{seed}.safetensors", weights, metadata)
    kept = ("replicas", "device", "threads", "seconds", "torch", "python")
    record = {key: run.record[key] for key in (*kept, "git_commit", "code_sha256")}
    return {"task": task, "model": model, "block": block, **record}


def machine() -> dict[str, str | int]:
    return {
        "system": platform.platform(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory_gib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30,
    }


def processor() -> str:
    """The processor's name where the system tells it."""
    path = Path("/proc/cpuinfo")
    names = [
        line.split(":")[1].strip()
        for line in (path.read_text().splitlines() if path.exists() else [])
        if line.startswith("model name")
    ]
    return names[0] if names else platform.processor() or platform.machine()


def largest_job_memory(folder: Path) -> float:
    """Largest resident memory of any one job, in MB, as Snakemake measured it."""
    parts = [pd.read_csv(path, sep="\t") for path in sorted(folder.glob("*.tsv"))]
    return float(pd.to_numeric(pd.concat(parts)["max_rss"], errors="coerce").max())


if __name__ == "__main__":
    main()
