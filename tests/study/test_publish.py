"""What of a study is published."""

import json
import subprocess

import pytest
from helpers import run_program
from recorded_study import recorded_job, write_record

from mechanics.runtime.files import sha256
from mechanics.study import crate

RUN, WEIGHTS = "runs/modular_addition/m/0", "weights/modular_addition/m/seed0.safetensors"
UNFOLLOWED = "weights/modular_addition/dose/seed0.safetensors"  # no card describes them
CARD = "weights/README.md"
JOBS = {  # what is made of what
    (f"{RUN}/run.json", f"{RUN}/checkpoints.safetensors", WEIGHTS): [],
    ("runs/modular_addition/dose/0/run.json", UNFOLLOWED): [],
    (CARD,): [WEIGHTS],
    ("analysis/modular_addition/m/0/circuit.parquet",): [WEIGHTS],
    ("analysis/modular_addition/dose/0/circuit.parquet",): [UNFOLLOWED],
    ("analysis/modular_addition/m/0/progress.parquet",): [f"{RUN}/checkpoints.safetensors"],
    # stored anew when it was published before: what it was made of is gone
    ("analysis/modular_addition/m/0/spectra.parquet",): ["analysis/spectra.old.parquet"],
    ("analysis/progress_measures.parquet",): ["analysis/modular_addition/m/0/progress.parquet"],
    ("tables/circuit.csv",): ["analysis/modular_addition/m/0/circuit.parquet"],
    ("notebook/study.ipynb", "notebook/study.html"): ["tables/circuit.csv"],
}
MADE_AGAIN = [  # by training, or in minutes
    f"{RUN}/checkpoints.safetensors",
    UNFOLLOWED,
    "analysis/modular_addition/m/0/circuit.parquet",
    "analysis/progress_measures.parquet",
    "notebook/study.html",
]


@pytest.fixture
def study(tmp_path):
    paths = [path for made in JOBS for path in made]
    for path in paths:
        (tmp_path / "study" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "study" / path).write_text('{"settings": {}}')
    hashes = {path: sha256(tmp_path / "study" / path) for path in paths}
    hashes["analysis/spectra.old.parquet"] = "not published"
    jobs = [recorded_job(read, [*made]) for made, read in JOBS.items()]
    write_record(tmp_path / "study", hashes, jobs, {})
    return tmp_path / "study"


def test_what_a_clone_makes_again_is_not_published_and_sha256sum_checks_the_rest(study):
    (study / "tables/benchmark.csv").write_text("a\n1\n")
    output = study.parent / "published"
    run_program("publish", "--study", study, "--output", output)
    record = crate.read(output / crate.NAME)
    assert sorted(record["absent"]) == sorted([*MADE_AGAIN, "analysis/spectra.old.parquet"])
    published = {str(p.relative_to(output)) for p in output.rglob("*") if p.is_file()}
    recorded = record["sha256"].keys() | {crate.NAME, crate.MANIFEST}
    assert published == recorded - {*record["absent"]}
    assert {"config.yaml", "tables/benchmark.csv"} < published
    check = ["sha256sum", "--check", "--quiet", crate.MANIFEST]
    assert subprocess.run(check, cwd=output, check=False).returncode == 0
    (output / "tables/circuit.csv").write_text("edited")
    said = subprocess.run(check, cwd=output, check=False, capture_output=True, text=True)
    assert (said.returncode, said.stdout) == (1, "tables/circuit.csv: FAILED\n")


def test_what_is_absent_of_a_restored_study_stays_absent(study):
    for path in MADE_AGAIN:
        (study / path).unlink()
    crate.write(study / crate.NAME, crate.read(study / crate.NAME))
    run_program("publish", "--study", study, "--output", study.parent / "published")
    record = crate.read(study.parent / "published" / crate.NAME)
    assert {*record["absent"]} > {*MADE_AGAIN}
    assert record["machine"] == "m"


def test_what_lacks_a_run_or_was_edited_is_not_published(study):
    run_program("publish", "--study", study, "--output", study.parent / "published")
    before = (study.parent / "published" / crate.NAME).read_bytes()
    (study / RUN / "run.json").unlink()
    (study / "tables/circuit.csv").write_text(json.dumps("edited"))
    with pytest.raises(SystemExit) as ended:
        run_program("publish", "--study", study, "--output", study.parent / "published")
    assert f"{RUN}/run.json: missing" in str(ended.value)
    assert "tables/circuit.csv: not the file that was recorded" in str(ended.value)
    assert (study.parent / "published" / crate.NAME).read_bytes() == before
