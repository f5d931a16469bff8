"""What failed, in a few lines: Snakemake's own log has a page for every attempt of every job.

Imports neither torch nor pandas: the Snakefile uses it.
"""

import re
from pathlib import Path

# Until the next entry, which begins with its date: what a scheduler said may have several lines.
BLOCK = re.compile(r"(?ms)^Error in rule (\S+):\n(.*?)(?=^\[|^Error in rule|\Z)")
FINISHED = re.compile(r"^Finished jobid: (\d+)", re.MULTILINE)
COPIED_LOG = re.compile(r"(?ms)^Logfile .*?:\n(=+)\n.*?^\1\n")
STATUS = re.compile(r"SLURM status is: '(\w+)'|error message was '(.*?)'", re.DOTALL)


def summary(text: str) -> str:
    """The jobs that failed for good, a line each, from the text of Snakemake's log.

    A line names rule, first output, what the scheduler said, and the job's log with its last line.
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
        path = Path(re.split(r", | \(check", found["log"])[0])
        written = path.read_text(errors="replace").strip() if path.exists() else ""
        last = written.splitlines()[-1] if written else "(empty)"
        parts.append(f"{path}: {last}")
    return "\n    ".join(parts)
