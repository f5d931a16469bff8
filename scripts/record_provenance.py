"""Record from what every file of a study was made: commit, code, settings, inputs, lock, versions.

The same files give the same record. Commit, code, device and versions of a run and its checkpoints
are those that training wrote into run.json. All else agrees with the code at the time of recording,
since Snakemake makes it anew when that changes: its commit is the one at that time. Only what was
restored of a published study, and is made of the same inputs still, keeps its entry from there.

An analysis writes down no device: unless it was told to take the CPU, that of its runs is recorded.
The job that records may run on a machine of another kind, and needs no GPU.
"""

import argparse
import json
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

from mechanics.runtime.files import atomic, sha256
from mechanics.study.lineage import RESTORED, ROOT, code_sha256, settings_sha256
from mechanics.study.provenance import git_commit


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--study", required=True, type=Path, help="e.g. results/full")
    parser.add_argument("--jobs", required=True, type=Path, help="what Snakemake wrote of its jobs")
    parser.add_argument("--config", required=True, help="the checked config, JSON")
    parser.add_argument("--lock", required=True, type=Path, help="envs/requirements.txt")
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()
    own = arguments.output.relative_to(arguments.study).as_posix()
    jobs = [job for job in json.loads(arguments.jobs.read_text()) if own not in job["outputs"]]
    common = {
        "lock_sha256": sha256(arguments.lock),
        **commit_and_flag(git_commit()),
        "torch": version("torch"),
        "python": platform.python_version(),
    }
    before = arguments.study / RESTORED
    nothing = {"artefacts": {}, "code": {}, "left_out": []}
    restored = json.loads(before.read_text()) if before.exists() else nothing
    record = describe(arguments.study, jobs, json.loads(arguments.config), common, restored)
    with atomic(arguments.output) as part:
        part.write_text(json.dumps(record, indent=1) + "\n")


def describe(study: Path, jobs: list[dict], config: dict, common: dict, restored: dict) -> dict:
    """The record: what is common to the study, its code, and an entry for each of its files.

    ``code`` holds, by the hash of the whole, the hash of each file that a job's program consists
    of, so that what was edited since can be named. ``left_out`` names the checkpoints of restored
    runs: they are not published.
    """
    job_of = {path: job for job in jobs for path in job["outputs"]}
    absent = {path for path in restored["left_out"] if not (study / path).exists()}
    left_out = sorted(absent & job_of.keys())
    hashes = {path: sha256(study / path) for path in sorted(job_of) if path not in left_out}
    hashes |= {path: restored["artefacts"][path]["sha256"] for path in left_out}

    @cache
    def seeds(path: str) -> frozenset[int]:
        """Of the runs, splits and analyses that a file was made from."""
        job = job_of[path]
        own = told_by_run(study / path)["seeds"] if path.startswith("runs/") else job["seeds"]
        return frozenset(own).union(*map(seeds, job["inputs"]))

    @cache
    def devices(path: str) -> frozenset[str]:
        """Of the runs that a file was made from."""
        own = {told_by_run(study / path)["device"]} if path.startswith("runs/") else ()
        return frozenset(own).union(*map(devices, job_of[path]["inputs"]))

    code, artefacts = {}, {}
    for path, job in sorted(job_of.items()):
        digest, inputs = hashes[path], {name: hashes[name] for name in job["inputs"]}
        known = restored["artefacts"].get(path)
        if known and (known["sha256"], known["inputs"]) == (digest, inputs):
            artefacts[path] = known
            if (key := known["code_sha256"]) in restored["code"]:
                code[key] = restored["code"][key]
            continue
        entry = {
            "rule": job["rule"],
            "program": program_of(job["code"]),
            "sha256": digest,
            "inputs": inputs,
            "code_sha256": code_sha256(ROOT / file for file in job["code"]),
            "config_sha256": settings_sha256(
                json.loads(job["settings"]) if job["settings"] else config
            ),
            "seeds": sorted(seeds(path)),
            "device": "cpu" if job["device"] in (None, "cpu") else ", ".join(sorted(devices(path))),
            **common,
        }
        code[entry["code_sha256"]] = {file: sha256(ROOT / file) for file in sorted(job["code"])}
        artefacts[path] = entry | (told_by_run(study / path) if path.startswith("runs/") else {})
    return {
        "study": config["study"],
        **common,
        "config_sha256": settings_sha256(config),
        "config": config,
        "code": dict(sorted(code.items())),
        "artefacts": artefacts,
        **({"left_out": left_out} if left_out else {}),
    }


def program_of(files: list[str]) -> str:
    """The program among the files that a job's code consists of."""
    return next(file for file in files if Path(file).parent == Path("scripts"))


def told_by_run(path: Path) -> dict:
    """What ``run.json`` says of the making of the run that a file belongs to."""
    run = json.loads((path.parent / "run.json").read_text())
    kept = {key: run[key] for key in ("code_sha256", "seeds", "device", "torch", "python")}
    settings = {"config_sha256": settings_sha256(run["settings"])}
    return kept | settings | commit_and_flag(run["git_commit"])


def commit_and_flag(described: str) -> dict:
    commit = described.removesuffix("-dirty")
    return {"git_commit": commit, "dirty": commit != described}


if __name__ == "__main__":
    main()
