"""Record from what every file of a study was made: commit, code, settings, inputs, lock, versions.

The same files give the same record. Commit, code, device and versions of a run are those that
training wrote into run.json. All else agrees with the code at the time of recording, since
Snakemake makes it anew when that changes: its commit is the one at that time. Only what was
restored of a published study, and is made of the same published files still, is recorded as there.

An analysis writes down no device: unless it was told to take the CPU, that of its runs is recorded.
The job that records may run on a machine of another kind, and needs no GPU.
"""

import argparse
import json
import os
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

from mechanics.runtime.files import sha256
from mechanics.study import crate
from mechanics.study.lineage import ROOT, code_sha256, git_commit, value_sha256

LOCK = "envs/requirements.txt"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", required=True, type=Path, help="what Snakemake wrote of its jobs")
    parser.add_argument("--config", required=True, help="the checked config, JSON")
    parser.add_argument("--output", required=True, type=Path, help="the record, in the study")
    arguments = parser.parse_args()
    study, config = arguments.output.parent, json.loads(arguments.config)
    jobs = json.loads(arguments.jobs.read_text())
    jobs = [job for job in jobs if arguments.output.name not in job["outputs"]]
    crate.write(arguments.output, record(study, jobs, config))


def record(study: Path, jobs: list[dict], config: dict) -> dict:
    """What ``study.crate`` writes.

    A restored file keeps its job if it is the same still, and all that it was made from: of that,
    what was not published cannot be compared, and may be absent here, too.
    """
    restored = {"jobs": [], "sha256": {}, "absent": []}
    if (study / crate.RESTORED).exists():
        restored = crate.read(study / crate.RESTORED)
    job_of = {path: job for job in jobs for path in job["outputs"]}
    old = restored["sha256"]
    now = {path: sha256(study / path) for path in job_of if not old or (study / path).exists()}
    kept = {path for path in old if now.get(path, old[path]) == old[path]}
    same = kept | {*restored["absent"]}
    found = [
        job | {"outputs": [path for path in job["outputs"] if path in kept]}
        for job in restored["jobs"]
        if same.issuperset(job["inputs"])
    ]
    known = {path for job in found for path in job["outputs"]}
    now = {path: old[path] for job in found for path in job["inputs"] + job["outputs"]} | now

    @cache
    def origin(path: str) -> tuple[frozenset[int], frozenset[str]]:
        """Seeds of the runs, splits and analyses that a file was made from; devices of the runs."""
        job, run = job_of[path], run_of(study, job_of[path])
        above = list(map(origin, job["inputs"]))
        seeds = frozenset(run.get("seeds", job["seeds"])).union(*(own for own, _ in above))
        return seeds, frozenset({run.get("device")} - {None}).union(*(own for _, own in above))

    commit, python, torch = git_commit(), platform.python_version(), version("torch")
    for job in jobs:
        run, (seeds, devices) = run_of(study, job), origin(job["outputs"][0])
        if not run and job["device"] in (None, "cpu"):
            devices = {"cpu"}
        code = code_sha256(ROOT / file for file in job["code"])
        names = [*sorted(job["code"]), *([LOCK] if run.get("git_commit", commit) == commit else [])]
        files = {file: sha256(ROOT / file) for file in names}
        settings = json.loads(job["settings"]) if job["settings"] else config
        found.append(
            {
                "rule": job["rule"],
                "program": next(name for name in files if Path(name).parent == Path("scripts")),
                # of a run that other code made it is not known which files that were
                "code": files if run.get("code_sha256", code) == code else {},
                "code_sha256": run.get("code_sha256", code),
                "git_commit": run.get("git_commit", commit),
                "software": [
                    f"Python {run.get('python', python)}",
                    f"PyTorch {run.get('torch', torch)}",
                ],
                "settings_sha256": value_sha256(run.get("settings", settings)),
                "seeds": sorted(seeds),
                "device": ", ".join(sorted(devices)),
                "inputs": [path for path in job["inputs"] if path in now],
                "outputs": [path for path in job["outputs"] if path in now.keys() - known],
            }
        )
    machine = f"{platform.platform()}, {os.cpu_count()} cores"
    return {
        "study": config["study"],
        "machine": restored.get("machine", machine),
        "config": config,
        "sha256": dict(sorted(now.items())),
        "jobs": [job for job in found if job["outputs"]],
    }


def run_of(study: Path, job: dict) -> dict:
    """What training wrote of the run that a job made; nothing if it made no run."""
    paths = [study / path for path in job["outputs"] if path.endswith("/run.json")]
    return json.loads(paths[0].read_text()) if paths else {}


if __name__ == "__main__":
    main()
