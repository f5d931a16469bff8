"""What the workflow costs beside the work: planning, one more job, the start of a program.

Each is measured from outside, in processes of its own, as a user meets it.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from mechanics.study.lineage import ROOT

PROFILE = ROOT / "workflow/profiles/default"
NOTHING = """\
rule all:
    input:
        expand("made/{{number}}", number=range({n_jobs})),


rule nothing:
    output:
        touch("made/{{number}}"),
    log:
        "logs/{{number}}.log",
    benchmark:
        "benchmarks/{{number}}.tsv"
    shell:
        "true > {{log}} 2>&1"
"""


def plan(config_files: list[str], folder: Path = ROOT) -> tuple[float, int]:
    """Seconds of a dry run in ``folder`` as if nothing were there yet, and the number of its jobs.

    Raises RuntimeError with Snakemake's own words if it cannot be planned.
    """
    # a study may be running in the folder, and be the one that asks
    command = ["--dry-run", "--forceall", "--nolock", "--quiet", "host", "rules"]
    command += ["--configfile", *config_files] if config_files else []
    seconds, said = _timed([sys.executable, "-m", "snakemake", *command], folder)
    return seconds, int(re.search(r"^total +(\d+)$", said, re.MULTILINE)[1])


def seconds_per_job(few: int, many: int) -> float:
    """Seconds that one more job of a workflow takes if it does nothing, one after another.

    The slope between ``few`` and ``many`` such jobs, with log and benchmark as every job of the
    study has them, under the default profile: what Snakemake does once falls out. Noise can make
    it negative if the counts are close. Raises RuntimeError if a run fails.
    """
    seconds = {}
    for n_jobs in (few, many):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "Snakefile").write_text(NOTHING.format(n_jobs=n_jobs))
            command = [sys.executable, "-m", "snakemake", "--cores", "1", "--quiet", "all"]
            command += ["--workflow-profile", str(PROFILE)]
            seconds[n_jobs], _ = _timed(command, Path(folder))
            made = len([*Path(folder, "made").iterdir()])
            if made != n_jobs:
                raise RuntimeError(f"{made} of {n_jobs} jobs that do nothing were run")
    return (seconds[many] - seconds[few]) / (many - few)


def start_of_program(program: Path = ROOT / "scripts/train.py") -> float:
    """Seconds until a program has imported all it needs and can read its arguments."""
    return _timed([sys.executable, str(program), "--help"], ROOT)[0]


def _timed(command: list[str], folder: Path) -> tuple[float, str]:
    """Wall-clock seconds of a command and what it wrote to stdout."""
    started = perf_counter()
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    seconds = perf_counter() - started
    if result.returncode:
        said = (result.stdout + result.stderr).strip()
        raise RuntimeError(f"{' '.join(command)}: failed in {folder}\n{said}")
    return seconds, result.stdout
