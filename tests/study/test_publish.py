"""What a study must hold to be published."""

import json

import pytest
from helpers import run_program, write_sweep_config

import publish


@pytest.mark.parametrize(("device", "blocks"), [("cpu", ["0", "1"]), ("cuda", ["0-1"])])
def test_every_run_of_a_sweep_is_asked_for(tmp_path, device, blocks):
    files = write_sweep_config(tmp_path, device)
    with pytest.raises(SystemExit, match="publish.py: the study is not finished") as ended:
        run_program("publish", "--study", tmp_path, "--config", *files)
    for name in ("softmax_L1", "softmax_L1_train_fraction0.5"):
        for block in blocks:
            assert f"/runs/modular_addition/{name}/{block}/run.json" in str(ended.value)


def test_what_a_restored_study_lacks_stays_left_out_and_its_machine_the_one_it_had(tmp_path):
    study, output = tmp_path / "study", tmp_path / "published"
    for folder in ("tables", "benchmarks"):
        (study / folder).mkdir(parents=True)
    (study / "tables/a.csv").write_text("a\n1\n")
    (study / "benchmarks/job.tsv").write_text("s\tmax_rss\n1\t10.5\n")
    before = {"machine": {"cores": 3}, "largest_job_memory_mb": 70.0}
    (study / "restored.json").write_text(json.dumps(before))
    absent = "data/linear_regression/evaluation.safetensors"
    artefacts = {"tables/a.csv": {}, absent: {}}
    publish.publish(study, {"artefacts": artefacts, "left_out": [absent]}, [], output, 6.0)
    written = json.loads((output / "provenance.json").read_text())
    assert written["left_out"] == [absent]
    assert {key: written[key] for key in before} == before
    assert (output / "tables/a.csv").exists()
