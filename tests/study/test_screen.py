"""What a terminal shows of a study, and of one that failed: where to look, for each job."""

import logging
import shutil
from pathlib import Path
from types import SimpleNamespace

from mechanics.study import screen


def test_the_first_screen_counts_the_jobs_and_says_how_long_they_take():
    jobs = [SimpleNamespace(rule=SimpleNamespace(name=name)) for name in ("train_m_0", "plot")]
    config = {"study": "small", "takes": {"small": "a minute"}, "modular_addition": {"p": 13}}
    words = screen.first(config, "results/small", jobs, 2, "snakemake.log")
    assert "Study small: modular addition. " in words
    assert "Jobs: 2, of which 1 train networks" in words
    assert "Time: a minute, from nothing; here 2 cores" in words
    words = screen.first(config | {"study": "other"}, "results/other", jobs, None, "snakemake.log")
    assert "Time: not known; here many cores" in words


def test_the_last_screen_names_what_there_is_to_look_at(tmp_path):
    (tmp_path / "report").mkdir()
    (tmp_path / "report/report.pdf").write_text("two pages")
    words = screen.last({"study": "small"}, str(tmp_path), 125.4)
    assert "it took 2 min 5 s" in words
    assert f"{tmp_path}/report/report.pdf" in words
    assert "index.html" not in words


def test_of_the_lines_of_snakemake_those_of_progress_and_errors_are_shown():
    def record(level: int, words: str, event: str = "") -> logging.LogRecord:
        made = logging.LogRecord("snakemake", level, "", 0, words, None, None)
        made.event = SimpleNamespace(name=event)
        return made

    assert screen.only_progress(record(logging.INFO, "3 of 9 steps done", "PROGRESS"))
    assert screen.only_progress(record(logging.ERROR, "a job failed"))
    assert screen.only_progress(record(logging.INFO, "Nothing to be done (all requested files …)"))
    assert not screen.only_progress(record(logging.INFO, "rule plot:", "JOB_INFO"))


def job(log) -> SimpleNamespace:
    output = ["results/run.json", "results/history.parquet"]
    return SimpleNamespace(rule=SimpleNamespace(name="train"), output=output, log=[log])


def test_failed_job_is_named_with_the_end_of_its_log_and_what_slurm_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("train.log").write_text("step 1\nstep 2\n")
    said = [
        "1 job failed; all that did not need them is finished:",
        "  train",
        "    results/run.json",
        "    train.log: step 2",
    ]
    assert screen.failed([job("train.log")]).splitlines() == said
    Path(".snakemake/slurm_logs/rule_train").mkdir(parents=True)
    assert "none.log: (empty)" in screen.failed([job("none.log")])
    assert ".snakemake/slurm_logs/rule_train: what Slurm said" in screen.failed([job("none.log")])
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=4096))
    assert "none.log: (empty: no space left on its disk)" in screen.failed([job("none.log")])
