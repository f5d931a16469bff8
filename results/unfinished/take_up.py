"""Tell Snakemake of what results/unfinished holds, so that only what is missing is trained.

Run in a clone at the commit that README.md names, after ``results`` was copied over and the data
were made, with .venv/bin on the PATH. A dry run then plans 23 trainings.
"""

import re
import subprocess
from pathlib import Path


def snakemake(*words: str) -> str:
    command = ["snakemake", "--cores", "1", *words]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return result.stdout + result.stderr


known, absent = [], []
for said in re.findall(r"^\s+output: (.*)$", snakemake("-n"), re.MULTILINE):
    outputs = [Path(path) for path in said.split(", ")]
    run = Path("results/full/runs", *outputs[0].parts[3:6], "run.json")
    if outputs[0].parts[2] in ("runs", "analysis") and run.exists():
        known += outputs
        absent += [path for path in outputs if not path.exists()]
for path in absent:  # Snakemake notes nothing of a job that lacks a file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("absent\n", "utf-8")
snakemake("--touch", "--forceall", *map(str, known))
for path in absent:
    path.unlink()
print(f"{len(known)} files known, {len(absent)} absent")
