"""Publish a finished study: copy what is small to results/published/.

Left out are the checkpoints (the final weights are there), the PDFs of figures, and files of more
than a few megabytes; each is named in provenance.json. The old content is replaced once the new one
is complete. scripts/restore.py makes a study of it again.
"""

import argparse
import json
import os
import platform
import shutil
import sys
from itertools import chain
from pathlib import Path

import pandas as pd

from mechanics.report import readme
from mechanics.runtime.files import sha256
from mechanics.settings import ConfigError
from mechanics.study.config import TASKS, blocks, load, models
from mechanics.study.lineage import RESTORED
from mechanics.study.provenance import git_commit
from mechanics.study.sweep import spelled_out
from mechanics.study.verification import altered, moved_on, read_provenance

PARTS = ("data", "runs", "weights", "analysis", "tables", "figures", "report", "notebook", "page")
BESIDES = ("tables/benchmark.csv",)  # made on request, and no part of the study's provenance


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--study", required=True, type=Path, help="e.g. results/full")
    parser.add_argument("--config", required=True, type=Path, nargs="+", help="its config files")
    parser.add_argument("--output", type=Path, default=Path("results/published"))
    parser.add_argument("--lock", type=Path, default=Path("envs/requirements.txt"))
    parser.add_argument("--largest-mb", type=float, default=6.0, help="of a file that is published")
    parser.add_argument("--readme", type=Path, help="its block of results is written anew")
    parser.add_argument("--template", type=Path, default=Path("workflow/report/readme.md"))
    arguments = parser.parse_args()
    fresh = arguments.output.with_name(f".{arguments.output.name}.part")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        config = spelled_out(load([str(path) for path in arguments.config]))
        provenance = whole_study(arguments.study, config)
        publish(arguments.study, provenance, arguments.config, fresh, arguments.largest_mb)
        if arguments.readme:  # before anything is replaced: it may lack a claim
            content = json.loads((arguments.study / "report/claims.json").read_text())
            readme.update(arguments.readme, arguments.template, content)
    except (ConfigError, OSError, ValueError, readme.ReadmeError) as error:
        sys.exit(f"publish.py: {error}")
    shutil.rmtree(arguments.output, ignore_errors=True)
    fresh.rename(arguments.output)
    for line in chain(*moved_on(provenance, arguments.lock)):
        print(f"The code has moved on since it was made: {line}")
    for part in PARTS:
        if not any(path.startswith(f"{part}/") for path in provenance["artefacts"]):
            print(f"The study has no {part}: none is published")


def whole_study(study: Path, config: dict) -> dict:
    """The provenance of a study. Raises ValueError that names what is missing or altered."""
    needed = [folder / "run.json" for folder in run_folders(study, config)]
    needed += [study / name for name in ("tables", "figures", "provenance.json")]
    if missing := [str(path) for path in needed if not path.exists()]:
        raise ValueError("the study is not finished, missing are\n  " + "\n  ".join(missing))
    provenance = read_provenance(study)
    if found := altered(study, provenance):
        raise ValueError("the study is not as it was recorded:\n  " + "\n  ".join(found))
    return provenance


def run_folders(study: Path, config: dict) -> list[Path]:
    """The runs that the config asks for, and no others that may lie in the study's folder."""
    return [
        study / "runs" / task / model / block
        for task in TASKS
        if config.get(task)
        for model in models(config[task])
        for block in blocks(config[task], model)
    ]


def publish(study: Path, provenance: dict, config: list[Path], output: Path, most: float) -> None:
    """Fill the folder ``output``."""
    here = [path for path in provenance["artefacts"] if (study / path).exists()]  # all but left out
    kept = [path for path in here if is_published(study / path, path, most)]
    for path in [*kept, *(path for path in BESIDES if (study / path).exists())]:
        (output / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(study / path, output / path)
    for path in config:
        shutil.copyfile(path, output / path.name)
    hashes = {
        path.relative_to(output).as_posix(): sha256(path)
        for path in sorted(output.rglob("*"))
        if path.is_file()
    }
    restored = study / RESTORED  # its runs were made elsewhere
    before = json.loads(restored.read_text()) if restored.exists() else {}
    memory = largest_job_memory(study / "benchmarks")
    records = [json.loads((study / path).read_text()) for path in kept if is_run(path)]
    about = {
        "published_at_commit": git_commit(),
        "trained_at_commits": sorted({record["git_commit"] for record in records}),
        "config_files": [path.name for path in config],
        "machine": before.get("machine", machine()),
        "training_seconds": round(sum(record["seconds"] for record in records), 1),
        "largest_job_memory_mb": max(memory, before.get("largest_job_memory_mb", memory)),
        "left_out": [path for path in provenance["artefacts"] if path not in hashes],
        "sha256": hashes,
    }
    (output / "provenance.json").write_text(json.dumps(provenance | about, indent=1) + "\n")


def is_run(path: str) -> bool:
    return path.startswith("runs/") and path.endswith("/run.json")


def is_published(file: Path, path: str, largest_mb: float) -> bool:
    made_again = file.name == "checkpoints.safetensors"
    made_again |= path.startswith("figures/") and file.suffix == ".pdf"
    made_again |= path == "notebook/study.html"  # the notebook, once more
    made_again |= path.startswith("analysis/") and path.count("/") == 1  # gathered from the runs'
    return not made_again and file.stat().st_size <= largest_mb * 1e6


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
