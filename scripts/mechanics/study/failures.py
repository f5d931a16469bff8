"""What failed, in a few lines: Snakemake's own log has a page for every attempt of every job.

Imports neither torch nor pandas: the Snakefile uses it.
"""

import shutil
from collections.abc import Collection
from pathlib import Path

FULL_BYTES = 2**20
SLURM_LOGS = Path(".snakemake/slurm_logs")


def summary(jobs: Collection) -> str:
    """Where to look, for each of the Snakemake jobs that failed for good.

    Rule, first output, and the job's log with its last line; and where Slurm's own logs of the rule
    are, if there are any: they say why it killed a job.
    """
    head = "1 job" if len(jobs) == 1 else f"{len(jobs)} jobs"
    lines = [f"{head} failed; all that did not need them is finished:"]
    for job in jobs:
        lines += [f"  {job.rule.name}", *(f"    {path}" for path in job.output[:1])]
        lines += [f"    {path}: {_last_line(Path(path))}" for path in job.log]
        if (own := SLURM_LOGS / f"rule_{job.rule.name}").exists():
            lines += [f"    {own}: what Slurm said"]
    return "\n".join(lines)


def _last_line(path: Path) -> str:
    written = path.read_text("utf-8", errors="replace").strip() if path.exists() else ""
    if written:
        return written.splitlines()[-1]
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    full = shutil.disk_usage(folder).free < FULL_BYTES  # a job on a full disk cannot say so
    return "(empty: no space left on its disk)" if full else "(empty)"
