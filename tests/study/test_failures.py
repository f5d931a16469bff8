"""The summary of a run that failed: one entry for each job that never succeeded."""

import shutil
from functools import partial
from types import SimpleNamespace

from mechanics.study.failures import summary

BLOCK = """\
Error in rule {rule}:
    message: {message}
    jobid: {jobid}
    input: scripts/train.py
    output: results/runs/{jobid}.json, results/runs/{jobid}.parquet
    log: {log}, {cluster}/7.log (check log file(s) for error details)
    shell:
        python scripts/train.py
    external_jobid: 7
"""
FAILED = partial(BLOCK.format, cluster="/cluster")
MEMORY = "SLURM-job '7' failed, SLURM status is: 'OUT_OF_MEMORY'. Detailed reason"
SBATCH = "SLURM sbatch failed. The error message was 'sbatch: error: queue\nis full'.\n"


def test_job_that_failed_twice_is_named_once_with_the_end_of_its_log(tmp_path):
    log = tmp_path / "train.log"
    log.write_text("step 1\nstep 2\n")
    block = FAILED(rule="train", message=MEMORY, jobid=3, log=log)
    assert summary(block + "[Mon]\n" + block).splitlines() == [
        "1 job failed; all that did not need them is finished:",
        "  train",
        "    results/runs/3.json",
        "    Slurm: OUT_OF_MEMORY",
        f"    {log}: step 2",
    ]


def test_job_that_succeeded_when_run_again_is_left_out():
    block = FAILED(rule="train", message=MEMORY, jobid=3, log="none.log")
    assert summary(block + "Finished jobid: 3 (Rule: train)\n") == ""


def test_a_log_that_was_copied_into_the_text_is_not_read_as_errors():
    inner = FAILED(rule="train", message="None", jobid=0, log="inner.log")
    copied = f"Logfile x.log:\n=======\n{inner}=======\n"
    outer = FAILED(rule="measure", message=MEMORY, jobid=5, log="none.log")
    result = summary(outer + copied)
    assert result.startswith("1 job failed")
    assert "measure" in result
    assert "none.log: (empty)" in result


def test_reason_why_slurm_killed_a_job_is_taken_from_its_log_on_slurm(tmp_path):
    (tmp_path / "train.log").write_text("step 1\n")
    (tmp_path / "7.log").write_text(
        "slurmstepd-n1: error: StepId=7.0 exceeded memory limit (2 > 1), being killed\n"
        "slurmstepd-n1: error: Exceeded job memory limit\n"
        "At least one job did not complete successfully.\n"
    )
    log = tmp_path / "train.log"
    block = FAILED(rule="train", message=MEMORY, jobid=3, log=log, cluster=tmp_path)
    assert summary(block).splitlines()[-2:] == [
        f"    {log}: step 1",
        f"    {tmp_path}/7.log: StepId=7.0 exceeded memory limit (2 > 1), being killed",
    ]


def test_log_on_slurm_is_named_where_the_job_left_none(tmp_path):
    (tmp_path / "7.log").write_text("python: No module named snakemake\n")
    block = FAILED(rule="train", message=MEMORY, jobid=3, log="none.log", cluster=tmp_path)
    assert f"{tmp_path}/7.log: python: No module named snakemake" in summary(block)


def test_disk_too_full_for_a_log_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=4096))
    log = tmp_path / "missing" / "train.log"
    block = FAILED(rule="train", message=MEMORY, jobid=3, log=log)
    assert f"{log}: (empty: no space left on its disk)" in summary(block)


def test_refusal_of_sbatch_is_quoted_whole():
    block = FAILED(rule="train", message=SBATCH, jobid=1, log="none.log")
    assert "Slurm: sbatch: error: queue is full" in summary(block)
    assert summary(block + "[Mon]\nFinished jobid: 1 (Rule: train)\n") == ""
