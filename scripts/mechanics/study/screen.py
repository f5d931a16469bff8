"""What a terminal shows of a study, at first and at last; Snakemake's log keeps the rest.

Imports neither torch nor pandas: the Snakefile uses it.
"""

import logging
import shutil
from collections.abc import Collection
from pathlib import Path

FULL_BYTES = 2**20
SLURM_LOGS = Path(".snakemake/slurm_logs")
TRACKS = {"linear_regression": "regression in context", "modular_addition": "modular addition"}
LOOK = {  # where to look first, and what is there
    "report/report.pdf": "what was asked and what was found, on two pages",
    "page/index.html": "the study to play with; open it in a browser",
    "tables/comparative_metrics.md": "every network beside what theory expects of it",
}


def only_progress(record: logging.LogRecord) -> bool:
    """Whether a line of Snakemake's is for the terminal: how far it is, and what went wrong."""
    event = getattr(getattr(record, "event", None), "name", "")
    nothing = record.getMessage().startswith("Nothing to be done")
    return event == "PROGRESS" or nothing or record.levelno >= logging.ERROR


def shorten(logger: logging.Logger) -> None:
    """Show no other lines in the terminal. The handler of Snakemake's log file is another one."""
    for handler in logger.handlers:
        if isinstance(handler, logging.StreamHandler) and handler.name == "DefaultStreamHandler":
            handler.addFilter(only_progress)


def first(config: dict, results: str, jobs: Collection, cores: int | None, log: str) -> str:
    """What is about to happen, how long that takes, and how to stop it."""
    n_networks = sum(job.rule.name.startswith("train_") for job in jobs)
    told = " and ".join(words for task, words in TRACKS.items() if config.get(task))
    takes = config.get("takes", {}).get(config["study"])
    time = f"{takes}, from nothing" if takes else "not known"
    return "\n".join(
        [
            f"Study {config['study']}: {told}. Everything is made in {results}/.",
            f"Jobs: {len(jobs)}, of which {n_networks} train networks; the others measure them,"
            " draw figures, write the report.",
            f"Time: {time}; here {cores or 'many'} cores are used.",
            "Ctrl-C stops it. The same command goes on where it stopped, trainings too.",
            f"What a job says: {results}/logs/   What Snakemake says: {log}",
            "",
        ]
    )


def last(config: dict, results: str, seconds: float) -> str:
    """That the study is complete, and where to look first."""
    minutes, rest = divmod(round(seconds), 60)
    made = {name: words for name, words in LOOK.items() if Path(results, name).exists()}
    lines = [f"Study {config['study']} is complete: it took {minutes} min {rest} s."]
    lines += ["Look first at"] if made else [f"All is in {results}/."]
    width = max((len(name) for name in made), default=0) + len(results) + 1
    lines += [f"  {f'{results}/{name}':{width}}  {words}" for name, words in made.items()]
    return "\n".join(lines)


def failed(jobs: Collection) -> str:
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
