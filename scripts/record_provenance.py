"""Record from what every file of a study was made: commit, code, settings, inputs, lock, versions.

The same files give the same record. Commit, code, device and versions of a run are those that
training wrote into run.json. All else agrees with the code at the time of recording, since
Snakemake makes it anew when that changes: its commit is the one at that time. Only what was
restored of a published study, and is made of the same published files still, is recorded as there.

An analysis writes down no device: unless it was told to take the CPU, that of its runs is recorded.
The job that records may run on a machine of another kind, and needs no GPU.

What is gone, such as checkpoints that were removed for their size, is recorded without a hash.

Beside the tables it writes what each of them and each column is: README.md and datapackage.json;
beside the weights what others need to run them: a card, README.md, and each network's config.json.
"""

import argparse
import json
import os
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

from mechanics.runtime.files import sha256
from mechanics.study import crate, described
from mechanics.study.lineage import LOCK, ROOT, code_sha256, git_commit, value_sha256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", required=True, type=Path, help="what Snakemake wrote of its jobs")
    parser.add_argument("--config", required=True, help="the checked config, JSON")
    parser.add_argument("--output", required=True, type=Path, help="the record, in the study")
    arguments = parser.parse_args()
    study, config = arguments.output.parent, json.loads(arguments.config)
    jobs = json.loads(arguments.jobs.read_text("utf-8"))
    others = [job for job in jobs if arguments.output.name not in job["outputs"]]
    made = [path for job in others for path in job["outputs"] if (study / path).exists()]
    for own in [job for job in jobs if job not in others]:  # it cannot hold its own hash
        tables = sorted(filter(described.is_table, made))
        others.append(own | {"inputs": tables, "outputs": described.describe_tables(study, tables)})
        weights = [path for path in own["inputs"] if Path(path).match(described.WEIGHTS)]
        if weights:
            written = described.describe_weights(study, weights)
            others.append(own | {"inputs": [*weights, described.COMPARED], "outputs": written})
    crate.write(arguments.output, record(study, others, config))


def record(study: Path, jobs: list[dict], config: dict) -> dict:
    """What ``study.crate`` writes.

    A restored file keeps its job if it is the same still, and all that it was made from. Of that,
    what was not published may be absent here, too, or have other bytes: the held-out prompts are
    sampled again, and another processor rounds otherwise.
    """
    machine = f"{platform.platform()}, {os.cpu_count()} cores"
    restored = {"machine": machine, "sha256": {}, "absent": [], "jobs": []}
    if (study / crate.RESTORED).exists():
        restored = crate.read(study / crate.RESTORED)
    job_of = {path: job for job in jobs for path in job["outputs"]}
    old = restored["sha256"]
    now = {path: sha256(study / path) for path in job_of if (study / path).exists()}
    here = now.keys() & {*restored["absent"]}  # not published: made anew, if to the same bytes
    kept = {path for path in job_of if path in old and now.get(path, old[path]) == old[path]} - here
    same = kept | {*restored["absent"]}
    found = [
        job | {"outputs": [path for path in job["outputs"] if path in kept]}
        for job in restored["jobs"]
        if same.issuperset(job["inputs"])
    ]
    known = {path for job in found for path in job["outputs"]}
    now = {path: old[path] for job in found for path in job["inputs"] + job["outputs"]} | now
    now = dict.fromkeys(job_of, crate.GONE) | now

    @cache
    def origin(path: str) -> tuple[frozenset[int], frozenset[str]]:
        """Seeds of the runs, splits and analyses that a file was made from; devices of the runs."""
        run = {"seeds": job_of[path]["seeds"]} | run_of(study, job_of[path])
        own = frozenset(run["seeds"]), frozenset({run["device"]} if "device" in run else ())
        above = zip(own, *map(origin, job_of.keys() & job_of[path]["inputs"]), strict=True)
        seeds, devices = (frozenset().union(*parts) for parts in above)
        return seeds, devices

    present = {"git_commit": git_commit(), "python": platform.python_version()}
    present["torch"] = version("torch")
    for job in jobs:
        files = sorted(os.path.relpath(file, ROOT) for file in job["code"])
        code = code_sha256(ROOT / file for file in files)
        settings = json.loads(job["settings"]) if job["settings"] else config
        run = run_of(study, job)
        about = present | {"code_sha256": code, "settings": settings} | run
        program = next(file for file in files if Path(file).parent.name == "scripts")
        if about["git_commit"] == present["git_commit"]:  # else it may have had another lock
            files.append(LOCK)
        if about["code_sha256"] != code:  # which files that was is not known
            files = []
        seeds, devices = origin(job["outputs"][0])
        on_cpu = not run and job["device"] in (None, "cpu")
        found.append(
            {
                "rule": job["rule"],
                "program": program,
                "code": {file: sha256(ROOT / file) for file in files},
                "code_sha256": about["code_sha256"],
                "git_commit": about["git_commit"],
                "software": [f"Python {about['python']}", f"PyTorch {about['torch']}"],
                "settings_sha256": value_sha256(about["settings"]),
                "seeds": sorted(seeds),
                "device": "cpu" if on_cpu else ", ".join(sorted(devices)),
                "inputs": [path for path in job["inputs"] if path in now],
                "outputs": [path for path in job["outputs"] if path in now.keys() - known],
            }
        )
    return {
        "study": config["study"],
        "machine": restored["machine"],
        "config": config,
        "sha256": dict(sorted(now.items())),
        "jobs": [job for job in found if job["outputs"]],
    }


def run_of(study: Path, job: dict) -> dict:
    """What training wrote of the run that a job made; nothing if it made no run."""
    paths = [study / path for path in job["outputs"] if path.endswith("/run.json")]
    return json.loads(paths[0].read_text("utf-8")) if paths else {}


if __name__ == "__main__":
    main()
