"""The summary of a run that failed: one entry for each job that never succeeded."""

from mechanics.failures import summary

FAILED = """\
Error in rule {rule}:
    message: {message}
    jobid: {jobid}
    input: scripts/train.py
    output: results/runs/{jobid}.json, results/runs/{jobid}.parquet
    log: {log}, /cluster/{jobid}.log (check log file(s) for error details)
    shell:
        python scripts/train.py
    external_jobid: 7
"""
MEMORY = "SLURM-job '7' failed, SLURM status is: 'OUT_OF_MEMORY'. Detailed reason"
SBATCH = "SLURM sbatch failed. The error message was 'sbatch: error: queue\nis full'.\n"


def test_job_that_failed_twice_is_named_once_with_the_end_of_its_log(tmp_path):
    log = tmp_path / "train.log"
    log.write_text("step 1\nstep 2\n")
    block = FAILED.format(rule="train", message=MEMORY, jobid=3, log=log)
    assert summary(block + "[Mon]\n" + block).splitlines() == [
        "1 job failed; all that did not need them is finished:",
        "  train",
        "    results/runs/3.json",
        "    Slurm: OUT_OF_MEMORY",
        f"    {log}: step 2",
    ]


def test_job_that_succeeded_when_run_again_is_left_out():
    block = FAILED.format(rule="train", message=MEMORY, jobid=3, log="none.log")
    assert summary(block + "Finished jobid: 3 (Rule: train)\n") == ""


def test_a_log_that_was_copied_into_the_text_is_not_read_as_errors():
    inner = FAILED.format(rule="train", message="None", jobid=0, log="inner.log")
    copied = f"Logfile x.log:\n=======\n{inner}=======\n"
    outer = FAILED.format(rule="measure", message=MEMORY, jobid=5, log="none.log")
    result = summary(outer + copied)
    assert result.startswith("1 job failed")
    assert "measure" in result
    assert "none.log: (empty)" in result


def test_refusal_of_sbatch_is_quoted_whole():
    block = FAILED.format(rule="train", message=SBATCH, jobid=1, log="none.log")
    assert "Slurm: sbatch: error: queue is full" in summary(block)
    assert summary(block + "[Mon]\nFinished jobid: 1 (Rule: train)\n") == ""
