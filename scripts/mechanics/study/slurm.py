"""Whether Slurm can take a study's jobs, asked once, before the first is sent; and their states.

Imports neither torch nor pandas: the Snakefile uses it.
"""

import shutil
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import yaml


def obstacle(status_command: str, partitions: set[str]) -> str | None:
    """Why no job would come back, in one line; None if Slurm is ready.

    ``status_command``: ``sacct`` or ``squeue``, by which the jobs will be watched. ``partitions``:
    the names of those that the jobs ask for, if they ask for any.
    """
    if shutil.which("sbatch") is None:
        return (
            "no `sbatch` on this machine: with the profile slurm, start from a node that Slurm jobs"
            " can be sent from; without it, `snakemake --cores N` runs the study here"
        )
    failed, answer = _ask("sinfo", "--all", "--noheader", "--format=%R")  # hidden ones too
    if failed:
        return f"Slurm does not answer: {answer}"
    known = set(answer.split())
    if partitions - known:
        return (
            f"no partition {', '.join(sorted(partitions - known))} in this Slurm: name one of"
            f" {', '.join(sorted(known))} (default-resources, set-resources or"
            " slurm-partition-config of the profile)"
        )
    failed, answer = _ask("sacct", "--noheader") if status_command == "sacct" else (False, "")
    if failed:
        return (
            f"this Slurm keeps no accounts ({answer}), and a finished job would never be noticed:"
            " add --slurm-status-command squeue"
        )
    return None


def partitions_of(jobs, partition_file: Path | None) -> set[str]:
    """The partitions that Snakemake jobs name, and those of the profile's partition file."""
    named = {str(job.resources.get("slurm_partition") or "") for job in jobs}
    found = {name for names in named for name in names.split(",") if name}
    if partition_file is not None:
        found |= set(yaml.safe_load(Path(partition_file).read_text("utf-8"))["partitions"])
    return found


def first_words(query: Callable[..., Awaitable]) -> Callable[..., Awaitable]:
    """The executor's question for the states of jobs, each answer cut to its first word.

    ``sacct`` says ``CANCELLED by 1000``, which the executor (2.8.0) takes for a job that runs: the
    study would wait for it for ever.
    """

    async def ask(*arguments):
        states, seconds = await query(*arguments)
        return states and {job: state.split(" ")[0] for job, state in states.items()}, seconds

    return ask


def _ask(*command: str) -> tuple[bool, str]:
    """Whether a command failed, and what it said."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        return True, str(error)
    return result.returncode != 0, " ".join((result.stdout + result.stderr).split())
