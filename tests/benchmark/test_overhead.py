"""The workflow's own cost, on workflows of a line."""

import pytest

from mechanics.benchmark import overhead

SNAKEFILE = """\
rule all:
    input:
        expand("{number}.txt", number=range(config.get("numbers", 2))),


rule make:
    output:
        "{number}.txt",
    shell:
        "touch {output}"
"""


def test_planning_counts_the_jobs_of_the_config_and_makes_none(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "more.yaml").write_text("numbers: 5\n")
    (tmp_path / "0.txt").write_text("there already, and planned all the same")
    seconds, n_jobs = overhead.plan(["more.yaml"], tmp_path)
    assert n_jobs == 5 + 1
    assert seconds > 0
    assert not (tmp_path / "1.txt").exists()


def test_a_workflow_that_cannot_be_planned_says_why(tmp_path):
    (tmp_path / "Snakefile").write_text("rule all:\n    input: 'nowhere.txt'\n")
    with pytest.raises(RuntimeError, match=r"(?s)failed in .*nowhere.txt"):
        overhead.plan([], tmp_path)


def test_one_more_job_is_a_slope_between_runs_that_ran_all_jobs(monkeypatch):
    runs = []
    real = overhead._timed

    def timed(command, folder):
        real(command, folder)
        runs.append(len([*(folder / "made").iterdir()]))
        return 10.0 + 0.5 * runs[-1], ""

    monkeypatch.setattr(overhead, "_timed", timed)
    assert overhead.seconds_per_job(1, 3) == pytest.approx(0.5)
    assert runs == [1, 3]


def test_a_program_is_started_with_all_that_it_imports(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("import sys, time\ntime.sleep(0.2)\nassert sys.argv[1:] == ['--help']\n")
    assert overhead.start_of_program(program) > 0.2
    program.write_text("import nowhere\n")
    with pytest.raises(RuntimeError, match="No module named 'nowhere'"):
        overhead.start_of_program(program)
