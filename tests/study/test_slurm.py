"""What is said before the first job is sent, with Slurm's commands replaced by two-line scripts."""

import asyncio

import pytest

from mechanics.study import slurm

ANSWERS = {"sbatch": "true", "sinfo": "echo cpu; echo gpu", "sacct": "true"}


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Put scripts of these names and bodies on PATH, and nothing else."""

    def put(**bodies):
        for name, body in bodies.items():
            path = tmp_path / name
            path.write_text(f"#!/bin/sh\n{body}\n")
            path.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))

    return put


def test_ready_slurm_has_no_obstacle(commands):
    commands(**ANSWERS)
    assert slurm.obstacle("sacct", {"cpu", "gpu"}) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sinfo": "echo no controller >&2; exit 1"}, "Slurm does not answer: no controller"),
        ({"sacct": "echo storage is disabled >&2; exit 1"}, "add --slurm-status-command squeue"),
    ],
)
def test_obstacle_is_named(commands, changes, message):
    commands(**ANSWERS | changes)
    assert message in slurm.obstacle("sacct", set())


def test_missing_sbatch_is_named(commands):
    commands()
    assert slurm.obstacle("sacct", set()).startswith("no `sbatch` on this machine")


def test_unknown_partition_is_named_beside_those_there_are(commands):
    commands(**ANSWERS)
    assert "no partition night in this Slurm: name one of cpu, gpu" in slurm.obstacle(
        "sacct", {"cpu", "night"}
    )


def test_without_accounting_squeue_will_do(commands):
    commands(**ANSWERS | {"sacct": "exit 1"})
    assert slurm.obstacle("squeue", {"cpu"}) is None


class Job:
    def __init__(self, **resources):
        self.resources = resources


def test_partitions_are_those_of_jobs_and_of_the_file(tmp_path):
    path = tmp_path / "partitions.yaml"
    path.write_text("partitions: {gpu: {max_gpu: 1}}")
    jobs = [Job(slurm_partition="day,night"), Job()]
    assert slurm.partitions_of(jobs, path) == {"day", "night", "gpu"}
    assert slurm.partitions_of(jobs[1:], None) == set()


@pytest.mark.parametrize("states", [{"7": "CANCELLED by 1000", "8": "RUNNING"}, {}, None])
def test_states_are_cut_to_their_first_words(states):
    async def query(command):
        return states, 0.1

    cut, seconds = asyncio.run(slurm.first_words(query)("sacct"))
    assert seconds == 0.1
    assert cut == ({"7": "CANCELLED", "8": "RUNNING"} if states else states)
