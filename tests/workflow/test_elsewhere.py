"""The workflow runs from any folder and inside another one, with its own Python and library."""

import subprocess
import sys
from pathlib import Path

import pytest
import tiny_study
from tiny_study import ROOT, TINY, succeeded

from mechanics.study import crate

MODULE = """
module tm:
    snakefile: "{}"
use rule * from tm
onstart: tm.onstart()
"""
ADDITION = TINY["modular_addition"]
SWEEP = {  # of one run
    "study": "tiny",
    "linear_regression": None,
    "modular_addition": ADDITION
    | {
        "sweep": {"of": "softmax_L1", "weight_decay": [1.0], "train_fraction": [0.3]},
        "models": dict.fromkeys(ADDITION["models"]) | {"softmax_L1": {"seeds": [0]}},
    },
}
SPLIT = "results/tiny/data/modular_addition/split_seed0.parquet"


def snakemake(folder: Path, *arguments: str, **variables) -> str:
    """What Snakemake prints; its environment is not active."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), **variables}
    ran = tiny_study.snakemake(folder, *arguments, config=SWEEP, environment=environment)
    return succeeded(ran).stdout + ran.stderr


@pytest.mark.parametrize("way", ["another folder", "module"])
def test_workflow_runs_elsewhere(tmp_path, way):
    snakefile = ROOT / "workflow/Snakefile"
    if way == "module":
        (tmp_path / "Snakefile").write_text(MODULE.format(snakefile))
        snakefile = tmp_path / "Snakefile"
    said = snakemake(tmp_path, "--snakefile", str(snakefile), "all", f"results/tiny/{crate.NAME}")
    assert ("All is in results/tiny/." in said) == (way == "another folder")  # who includes it ends
    record = crate.read(tmp_path / "results/tiny" / crate.NAME)
    made_by = {path: job["program"] for job in record["jobs"] for path in job["outputs"]}
    assert made_by["tables/grokking.csv"] == "scripts/write_tables.py"


def test_snakemake_limits_no_submissions_here(tmp_path):
    said = 'onsuccess: print("limit:", workflow.scheduler.job_rate_limiter)\n'
    (tmp_path / "Snakefile").write_text(MODULE.format(ROOT / "workflow/Snakefile") + said)
    assert "limit: None" in snakemake(tmp_path, SPLIT)


def test_foreign_package_of_the_same_name_is_not_ours(tmp_path):
    foreign = tmp_path / "foreign/mechanics/__init__.py"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("raise ImportError('the foreign one')")
    path = {"PYTHONPATH": str(foreign.parents[1])}
    said = snakemake(tmp_path, "--snakefile", str(ROOT / "workflow/Snakefile"), SPLIT, **path)
    assert "is complete" not in said  # of a single file
    program = [sys.executable, ROOT / "scripts/prepare_data.py", "--help"]
    subprocess.run(program, env=path, cwd=foreign.parents[1], capture_output=True, check=True)
