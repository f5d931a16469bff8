"""The training program: killed it goes on, finished it is not trained over."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from helpers import addition_settings, run_program, write_data

from mechanics.models.weights import read_network
from mechanics.settings import as_argument
from mechanics.study.lineage import ROOT
from mechanics.training import loop
from mechanics.training.checkpoint import Run


def arguments(tmp_path: Path, name: str, settings: dict) -> list[str]:
    (data,) = write_data(tmp_path, settings, [0])
    given = ["--settings", as_argument(settings), "--seeds", "0", "--data", str(data)]
    return [*given, "--device", "cpu", "--save-seconds", "0", "--output", str(tmp_path / name)]


def weights_hash(folder: Path) -> str:
    return json.loads((folder / "run.json").read_text())["replicas"][0]["weights_sha256"]


def test_training_killed_by_sigkill_ends_with_the_same_weights(tmp_path):
    settings = addition_settings(steps=400, measure_every=10)
    run_program("train", *arguments(tmp_path, "whole", settings))
    command = [sys.executable, ROOT / "scripts/train.py"]
    command += arguments(tmp_path, "killed", settings)
    state = tmp_path / "killed" / ".state"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while not list(state.glob("*/state.safetensors")):
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "killed" / "run.json").exists()
    subprocess.run(command, check=True, capture_output=True)
    assert weights_hash(tmp_path / "killed") == weights_hash(tmp_path / "whole")


def test_ctrl_c_says_at_which_step_it_stopped_and_that_the_same_command_goes_on(
    tmp_path, monkeypatch
):
    step = loop._step

    def interrupted(training, *rest):
        if training.step == 13:
            raise KeyboardInterrupt
        return step(training, *rest)

    monkeypatch.setattr(loop, "_step", interrupted)
    with pytest.raises(SystemExit, match="stopped after step 10; .*goes on from step 10, which"):
        run_program("train", *arguments(tmp_path, "run", addition_settings()))


def test_final_weights_are_the_last_checkpoint_s_and_a_finished_run_is_not_trained_over(tmp_path):
    settings = addition_settings()
    path = tmp_path / "weights/modular_addition/softmax_L1/seed0.safetensors"
    given = [*arguments(tmp_path, "run", settings), "--weights", path]
    run_program("train", *given)
    network, run = read_network(path), Run(tmp_path / "run")
    assert (network.task, network.model, network.seed) == ("modular_addition", "softmax_L1", 0)
    assert (network.step, network.status, network.settings) == (20, "finished", settings)
    final = run.final(0)
    assert network.weights.keys() == final.keys()
    assert all(torch.equal(network.weights[name], final[name]) for name in final)
    with pytest.raises(SystemExit, match="run.json is there already"):
        run_program("train", *given)


def test_a_file_of_weights_for_every_seed_or_none(tmp_path):
    given = [*arguments(tmp_path, "run", addition_settings()), "--weights", "a", "b"]
    with pytest.raises(SystemExit, match="--weights: 2 files for 1 seeds; expected one a seed"):
        run_program("train", *given)
