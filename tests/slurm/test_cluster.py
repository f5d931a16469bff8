"""The little Slurm ends what is its own when it stops, and nothing else."""

import os
import signal
import subprocess
from pathlib import Path

import cluster
import pytest

STUBBORN = "trap '' TERM; echo ready; while :; do sleep 0.1; done"


def start(name: str) -> subprocess.Popen:
    """A process that a job of the cluster of this name left behind, deaf to SIGTERM."""
    environment = os.environ | {"SLURM_CLUSTER_NAME": name, "SLURM_JOB_ID": "1"}
    process = subprocess.Popen(["bash", "-c", STUBBORN], env=environment, stdout=subprocess.PIPE)
    process.stdout.readline()
    return process


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found in /proc")
def test_what_outlived_its_job_is_ended(monkeypatch):
    monkeypatch.setattr(cluster, "END_SECONDS", 0.5)
    own, other = start("little-slurm-own"), start("little-slurm-other")
    try:
        cluster._end_left_over("little-slurm-own")
        assert own.wait(5) == -signal.SIGKILL
        assert other.poll() is None
    finally:
        own.kill()
        other.kill()


def test_where_none_can_be_started_nothing_is_touched(monkeypatch):
    monkeypatch.setattr(cluster, "missing", lambda *_: "there is one already")
    monkeypatch.setattr(cluster, "ask", lambda *command: pytest.fail(f"asked {command}"))
    with pytest.raises(RuntimeError, match="there is one already"), cluster.little_slurm():
        pass
