"""What failed, in a few lines: Snakemake's own log has a page for every attempt of every job.

Imports neither torch nor pandas: the Snakefile uses it.
"""

import re
import shutil
from pathlib import Path

# Until the next entry, which begins with its date: what a scheduler said may have several lines.
BLOCK = re.compile(r"(?ms)^Error in rule (\S+):\n(.*?)(?=^\[|^Error in rule|\Z)")
FINISHED = re.compile(r"^Finished jobid: (\d+)", re.MULTILINE)
COPIED_LOG = re.compile(r"(?ms)^Logfile .*?:\n(=+)\n.*?^\1\n")
# Slurm's own words in a job's log on Slurm. Without cgroups the state of a job that was killed for
# its memory is just FAILED.
KILLED = re.compile(r"^slurmstepd\S*: error: (.*)", re.MULTILINE)
CHECK = " (check log file(s) for error details)"
FULL_BYTES = 2**20
STATUS = re.compile(r"SLURM status is: '(\w+)'|error message was '(.*?)'", re.DOTALL)


def summary(text: str) -> str:
    """The jobs that failed for good, a line each, from the text of Snakemake's log.

    A line names rule, first output, what the scheduler said, and the job's log with its last line;
    also its log on Slurm, if Slurm says there why it killed the job, or if the job's own is empty.
    Jobs that succeeded when they were run again are left out. Empty if no job failed.
    """
    text = COPIED_LOG.sub("", text)
    failed = {}
    for rule, lines in BLOCK.findall(text):
        found = dict(re.findall(r"^    (\w+): (.*)$", lines, re.MULTILINE))
        failed[found.get("jobid")] = _line(rule, found, lines)
    for finished in FINISHED.findall(text):
        failed.pop(finished, None)
    if not failed:
        return ""
    head = "1 job" if len(failed) == 1 else f"{len(failed)} jobs"
    return "\n".join([f"{head} failed; all that did not need them is finished:", *failed.values()])


def _line(rule: str, found: dict[str, str], lines: str) -> str:
    parts = [f"  {rule}"]
    if "output" in found:
        parts.append(found["output"].split(", ")[0])
    if status := STATUS.search(lines):
        parts.append(f"Slurm: {' '.join((status[1] or status[2]).split())}")
    if "log" in found:
        own, *others = map(Path, found["log"].removesuffix(CHECK).split(", "))
        parts.append(f"{own}: {_last_line(own)}")
        for path in others:
            killed = KILLED.search(_text(path))
            if killed or not _text(own):
                parts.append(f"{path}: {killed[1] if killed else _last_line(path)}")
    return "\n    ".join(parts)


def _last_line(path: Path) -> str:
    if written := _text(path):
        return written.splitlines()[-1]
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    full = shutil.disk_usage(folder).free < FULL_BYTES  # a job on a full disk cannot say so
    return "(empty: no space left on its disk)" if full else "(empty)"


def _text(path: Path) -> str:
    return path.read_text(errors="replace").strip() if path.exists() else ""
