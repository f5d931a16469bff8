"""The summary of a run that failed: where to look, for each job that never succeeded."""

import shutil
from types import SimpleNamespace

from mechanics.study.failures import summary


def failed(log) -> SimpleNamespace:
    output = ["results/run.json", "results/history.parquet"]
    return SimpleNamespace(rule=SimpleNamespace(name="train"), output=output, log=[log])


def test_failed_job_is_named_with_the_end_of_its_log(tmp_path):
    log = tmp_path / "train.log"
    log.write_text("step 1\nstep 2\n")
    assert summary([failed(log)]).splitlines() == [
        "1 job failed; all that did not need them is finished:",
        "  train",
        "    results/run.json",
        f"    {log}: step 2",
    ]


def test_logs_on_slurm_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".snakemake/slurm_logs/rule_train").mkdir(parents=True)
    assert "none.log: (empty)" in summary([failed("none.log")])
    assert ".snakemake/slurm_logs/rule_train: what Slurm said" in summary([failed("none.log")])


def test_disk_too_full_for_a_log_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=4096))
    log = tmp_path / "missing" / "train.log"
    assert f"{log}: (empty: no space left on its disk)" in summary([failed(log)])
