"""What goes wrong is named, and what is finished survives it."""

import json
import shutil

import pytest
from tiny_study import RUNS, changed, snakemake, succeeded

WITHOUT = "config/config.yaml, left out by --replace-workflow-config: results_folder = (absent)"
NESTED = 'modular_addition.p = "13": expected an odd prime number, such as 113; --config gives nest'


@pytest.mark.parametrize(
    ("arguments", "addition", "message"),
    [
        ([], {"p": 12}, "tiny.yaml: modular_addition.p = 12: expected an odd prime number"),
        (["--replace-workflow-config"], {}, WITHOUT),
        (["--config", 'modular_addition={"p": 13}'], {}, f"--config: {NESTED}"),
    ],
)
def test_wrong_config_is_one_clear_message_before_any_job(clone, arguments, addition, message):
    result = snakemake(clone, *arguments, config=changed(modular_addition=addition))
    assert result.returncode != 0
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert "rule train" not in result.stdout + result.stderr


@pytest.mark.parametrize("folder", ["other/", "./other"])
def test_a_folder_may_be_written_as_one_likes(clone, folder):
    result = succeeded(
        snakemake(clone, "--dry-run", "--config", f"results_folder={json.dumps(folder)}")
    )
    assert "other/tiny/ro-crate-metadata.json" in result.stdout


def test_failed_job_leaves_what_is_finished(study):
    folder = study / RUNS / "modular_addition/softmax_L1/1"
    split = study / "results/tiny/data/modular_addition/split_seed1.parquet"
    kept = study / RUNS / "modular_addition/softmax_L1/0/checkpoints.safetensors"
    before, intact = kept.read_bytes(), split.read_bytes()
    shutil.rmtree(folder)
    split.write_bytes(b"not a table")
    trained = f"{RUNS}/modular_addition/softmax_L1/1/run.json"
    result = snakemake(study, trained)
    assert result.returncode != 0
    assert kept.read_bytes() == before
    split.write_bytes(intact)
    assert snakemake(study, trained).returncode == 0
    assert (study / trained).exists()


def test_failed_job_is_named_however_quiet_snakemake_is(clone):
    (clone / "scripts/prepare_data.py").write_text("raise ValueError('too few pairs')")
    result = snakemake(clone, "results/tiny/data/modular_addition/split_seed0.parquet", "-q", "all")
    assert result.returncode != 0
    assert (
        "logs/prepare/modular_addition/split_seed0.log: ValueError: too few pairs" in result.stderr
    )
