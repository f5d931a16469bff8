"""The forecast looks for the record of every job where its rule has Snakemake keep it."""

import re
import subprocess
import sys

from tiny_study import ENVIRONMENT, ROOT

from mechanics.benchmark.forecast import record_name

JOB = re.compile(
    r"\nrule (?P<rule>\w+):\n(?:    .*\n)*?    output: (?P<outputs>.*)\n(?:    .*\n)*?"
    r"    benchmark: .*/benchmarks/(?P<record>.*)\.tsv\n"
)


def test_every_job_of_the_study_is_found_by_each_of_its_files():
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--forceall", "--nolock"]
    options = {"cwd": ROOT, "env": ENVIRONMENT, "capture_output": True, "text": True}
    result = subprocess.run(command, **options, check=False)
    assert result.returncode == 0, result.stderr
    plan = result.stdout + result.stderr
    jobs = [match.groupdict() for match in JOB.finditer(plan)]
    assert len(jobs) == len(re.findall(r"\nrule (?!all:)\w+:\n", plan)) > 300
    for job in jobs:
        for path in job["outputs"].split(", "):
            name = record_name(path.split("/", 2)[2], job["rule"])  # results/{study}/…
            assert name == job["record"], path
