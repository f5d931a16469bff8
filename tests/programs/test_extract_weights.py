import pytest
import torch
from helpers import addition_settings, run_program, write_run

from mechanics.training.checkpoint import Run, checkpoint_key, read_tensors, write_tensors


def extract(run, output, seed=0):
    run_program("extract_weights", "--run", run, "--seed", seed, "--output", output)


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "modular_addition/clock/0"
    folder.mkdir(parents=True)
    return write_run(folder, addition_settings(), {"W_E": torch.arange(6.0).reshape(2, 3)})


def test_weights_are_the_last_of_the_run_and_say_whose_they_are(run, tmp_path):
    extract(run, tmp_path / "seed0.safetensors")
    weights, about = read_tensors(tmp_path / "seed0.safetensors")
    assert torch.equal(weights["W_E"], Run(run).final(0)["W_E"][0])
    assert (about["task"], about["model"], about["seed"]) == ("modular_addition", "clock", 0)
    assert (about["step"], about["settings"]) == (20, addition_settings())


def test_other_checkpoints_than_the_run_wrote_are_refused(run, tmp_path):
    write_tensors(run / "checkpoints.safetensors", {checkpoint_key(0, 20, "W_E"): torch.ones(1)})
    with pytest.raises(SystemExit, match="truncated or corrupted"):
        extract(run, tmp_path / "seed0.safetensors")


def test_seed_that_the_run_lacks_is_refused(run, tmp_path):
    with pytest.raises(SystemExit, match="no checkpoint of seed 7"):
        extract(run, tmp_path / "seed0.safetensors", seed=7)
