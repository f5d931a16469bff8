"""Run a study on a Slurm of one node, kill its trainings, and compare it with a run beside it.

As root, with Slurm installed (apt-get install slurm-wlm munge; for accounting also slurmdbd and
mariadb-server):
    python tests/slurm/run.py
    python tests/slurm/run.py --accounting
    python tests/slurm/run.py --configfile config/quick.yaml
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from cluster import ask, environment, little_slurm, missing
from safetensors import safe_open

ROOT = Path(__file__).parents[2]
TINY = ["config/quick.yaml", "tests/slurm/tiny.yaml"]
LIMIT_SECONDS = 3600  # for one run of the workflow, whatever goes wrong
SAME = ("tables/*", "figures/*.png", "analysis/**/*.parquet", "runs/**/checkpoints.safetensors")
# One node with its own disk, jobs of seconds: look sooner than on a cluster.
ON_SLURM = [
    *("--workflow-profile", "workflow/profiles/slurm"),
    *("--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "5"),
]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--configfile", nargs="+", default=TINY, help="from the root; default tiny")
    parser.add_argument("--targets", nargs="*", default=[], help="files; default: all results")
    parser.add_argument("--accounting", action="store_true", help="watch jobs with sacct")
    arguments = parser.parse_args()
    if reason := missing(arguments.accounting):
        sys.exit(f"run.py: not run: {reason}")
    study = yaml.safe_load((ROOT / arguments.configfile[-1]).read_text())["study"]
    with tempfile.TemporaryDirectory(prefix="slurm-study-") as folder:
        local, remote = clone(Path(folder, "local")), clone(Path(folder, "slurm"))
        tail = ["--configfile", *arguments.configfile, "--", *arguments.targets]
        watch = [] if arguments.accounting else ["--slurm-status-command", "squeue"]
        # Beside it: a run on Slurm waits for Slurm's answers half of its time.
        with running_locally(local, tail), little_slurm(accounting=arguments.accounting):
            step = run_on_slurm(remote, [*watch, *tail], remote / "results" / study / ".state")
        check_resumed(remote / "results" / study, step)
        compare(local / "results" / study, remote / "results" / study)


def clone(folder: Path) -> Path:
    """A clone's worth of files, with trainings that save their states soon: one is to be killed."""
    for name in ("config", "workflow", "scripts", "envs", "tests/slurm"):
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".snakemake")
        )
    program = folder / "scripts/train.py"
    program.write_text(program.read_text().replace("default=30.0", "default=8.0"))
    return folder


def snakemake(folder: Path, arguments: list[str], log: Path) -> subprocess.Popen:
    path = f"{Path(sys.executable).parent}:{environment()['PATH']}"
    with open(log, "w") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "snakemake", *arguments],
            **{"cwd": folder, "env": environment() | {"PATH": path}},
            **{"stdout": file, "stderr": subprocess.STDOUT},
        )


def finish(process: subprocess.Popen, log: Path, started: float, what: str) -> None:
    """Wait for a run of the workflow; one that fails or hangs ends this program."""
    try:
        code = process.wait(LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        code = f"none within {LIMIT_SECONDS} s"
    if code:
        sys.exit(f"{log.read_text()[-6000:]}\nrun.py: {what}: exit status {code}")
    print(f"{what}: {time.monotonic() - started:.0f} s", flush=True)


@contextmanager
def running_locally(folder: Path, tail: list[str]) -> Iterator[None]:
    """A local run is started when the block begins, and has ended well when the block has."""
    log, started = folder / "run.log", time.monotonic()
    cores = str(len(os.sched_getaffinity(0)))
    process = snakemake(folder, ["--cores", cores, *tail], log)
    try:
        yield
        finish(process, log, started, "local run")
    finally:
        process.terminate()  # of an ended process: nothing
        process.wait()


def run_on_slurm(folder: Path, tail: list[str], state: Path) -> int:
    """Run the workflow; cancel its trainings once one has saved its state.

    Returns the step that was saved.
    """
    log, started = folder / "run.log", time.monotonic()
    process = snakemake(folder, [*ON_SLURM, *tail], log)
    step = None
    while step is None:
        if process.poll() is not None:
            finish(process, log, started, "run on Slurm")
            sys.exit("run.py: no training lasted until its state was saved: nothing was killed")
        time.sleep(0.5)
        step = saved_step(state)
    jobs = ask("squeue", "--noheader", "--states=RUNNING", "--format=%i %k").splitlines()
    trainings = [line.split()[0] for line in jobs if line.split()[1].startswith("rule_train_")]
    ask("scancel", *trainings)
    finish(process, log, started, f"run on Slurm, with {len(trainings)} training(s) cancelled")
    text = log.read_text()
    named = re.findall(r"Error in rule train.*?SLURM status is: 'CANCELLED'", text, re.DOTALL)
    if not trainings or not named:
        sys.exit(f"{text[-6000:]}\nrun.py: Snakemake did not name the cancelled training")
    return step


def saved_step(state: Path) -> int | None:
    """The step at which a training can be taken up again; None before the first is saved."""

    for path in state.glob("*/state.safetensors"):
        with safe_open(path, "np") as file:
            return json.loads(file.metadata()["json"])["step"]
    return None


def check_resumed(results: Path, step: int) -> None:
    """The log of a training that was run again begins after the saved step."""
    first = {}
    for path in results.glob("logs/train_*.log"):
        found = re.search(r"step (\d+)/", path.read_text())
        first[path.name] = int(found[1]) if found else -1
    resumed = {name: number for name, number in first.items() if number > step}
    if not resumed:
        sys.exit(f"run.py: no training went on from step {step}: they began at {first}")
    print(f"resumed after step {step}: {resumed}")
    left = list((results / ".state").iterdir())
    if left:
        sys.exit(f"run.py: states of finished trainings are left: {left}")


def compare(local: Path, remote: Path) -> None:
    """Tables, pictures, analyses and weights are the same to the byte."""
    names = {
        folder: {
            str(path.relative_to(folder))
            for pattern in SAME
            for path in folder.glob(pattern)
            if path.is_file()  # tables/ has a folder of hashes
        }
        for folder in (local, remote)
    }
    different = sorted(names[local] ^ names[remote])
    both = sorted(names[local] & names[remote])
    different += [n for n in both if (local / n).read_bytes() != (remote / n).read_bytes()]
    if different or not both:
        sys.exit(f"run.py: not the same locally and on Slurm: {different or 'no files at all'}")
    print(f"the same to the byte, locally and on Slurm: {len(both)} files")


if __name__ == "__main__":
    main()
