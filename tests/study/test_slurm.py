"""What is said before the first job is sent, with Slurm's commands replaced by two-line scripts."""

import asyncio
from types import SimpleNamespace

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


@pytest.mark.parametrize(
    ("changes", "watched_by", "partitions", "message"),
    [
        ({}, "sacct", {"cpu", "gpu"}, None),
        ({"sacct": "exit 1"}, "squeue", {"cpu"}, None),
        ({}, "sacct", {"cpu", "night"}, "no partition night in this Slurm: name one of cpu, gpu"),
        ({"sinfo": "echo none here >&2; exit 1"}, "sacct", set(), "does not answer: none here"),
        ({"sacct": "echo off >&2; exit 1"}, "sacct", set(), "add --slurm-status-command squeue"),
    ],
)
def test_an_obstacle_is_named_and_a_ready_slurm_has_none(
    commands, changes, watched_by, partitions, message
):
    commands(**ANSWERS | changes)
    said = slurm.obstacle(watched_by, partitions)
    assert said is None if message is None else message in said


def test_missing_sbatch_is_named(commands):
    commands()
    assert slurm.obstacle("sacct", set()).startswith("no `sbatch` on this machine")


def test_partitions_are_those_of_jobs_and_of_the_file(tmp_path):
    path = tmp_path / "partitions.yaml"
    path.write_text("partitions: {gpu: {max_gpu: 1}}")
    jobs = [SimpleNamespace(resources=own) for own in ({"slurm_partition": "day,night"}, {})]
    assert slurm.partitions_of(jobs, path) == {"day", "night", "gpu"}
    assert slurm.partitions_of(jobs[1:], None) == set()


@pytest.mark.parametrize("states", [{"7": "CANCELLED by 1000", "8": "RUNNING"}, None])
def test_states_are_cut_to_their_first_words(states):
    async def query(command):
        return states, 0.1

    cut, seconds = asyncio.run(slurm.first_words(query)("sacct"))
    assert seconds == 0.1
    assert cut == ({"7": "CANCELLED", "8": "RUNNING"} if states else states)
