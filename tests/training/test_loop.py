"""The loop: resumes to the bit, and a replica's result does not depend on its stack."""

import math
from collections import Counter

import pandas as pd
import pytest
import torch
from helpers import addition_settings, regression_settings, write_data

from mechanics.addition.task import Task as ModularAddition
from mechanics.regression.task import Task as LinearRegression
from mechanics.training import loop
from mechanics.training.checkpoint import CheckpointError, checkpoint_key
from mechanics.training.objective import objective as open_objective

CPU = torch.device("cpu")


def run(tmp_path, settings, seeds, name="state", **changes):
    settings = settings | changes
    data = write_data(tmp_path, settings, seeds)
    objective = open_objective(settings, data, CPU)
    folder = tmp_path / name
    training = loop.train(objective, settings, seeds, CPU, folder, save_seconds=0.0)
    return training, loop.collect_checkpoints(folder)


def kill(tmp_path, settings, seeds, monkeypatch):
    """Leave the state of a training that was killed before step 13."""
    step = loop._step

    def killed(training, *rest):
        if training.step == 13:
            raise KeyboardInterrupt
        return step(training, *rest)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(loop, "_step", killed)
        run(tmp_path, settings, seeds, "killed")


ARM = addition_settings(grokking_accuracy=1e-9, after_memorising="fixed_norm")
SUBSPACES = regression_settings(d_max=5, subspace="random")
BY_TABLES = addition_settings(pairs_per_step=None)  # every pair at every step
HELD = addition_settings(pairs_per_step=None, norm="held", orthogonal_gradient=True)
RESTARTED = addition_settings(restart_at=10, temperature=8.0, epsilon=1e-20)
EMBEDDED = {"attention": "softmax", "d_model": 8, "n_heads": 2, "d_mlp": 8, "layer_norm": True}
MUON = regression_settings(
    **EMBEDDED, muon_learning_rate=0.02, weight_decay=0.0, strata=4, one_length_per_step=True
)


@pytest.mark.parametrize("settings", [SUBSPACES, ARM, HELD, RESTARTED, MUON])
def test_killed_run_ends_with_the_same_bits(tmp_path, settings, monkeypatch):
    seeds = [0, 1]
    whole, expected = run(tmp_path, settings, seeds, "whole")
    kill(tmp_path, settings, seeds, monkeypatch)
    resumed, found = run(tmp_path, settings, seeds, "killed")
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], expected[key]) for key in expected)
    assert resumed.history == whole.history


def test_a_saved_state_comes_back_at_aligned_addresses(tmp_path, monkeypatch):
    """Sums from odd addresses are rounded otherwise: a resumed run would end with other bits."""
    kill(tmp_path, BY_TABLES, [0], monkeypatch)
    read = loop.read_tensors

    def at_odd_addresses(*arguments):
        tensors, saved = read(*arguments)
        for name, own in tensors.items():
            if own.is_floating_point() and name != "decay_factor":
                moved = torch.empty(own.numel() + 1, dtype=own.dtype)[1:].view(own.shape)
                tensors[name] = moved.copy_(own)
        return tensors, saved

    monkeypatch.setattr(loop, "read_tensors", at_odd_addresses)
    objective = open_objective(BY_TABLES, write_data(tmp_path, BY_TABLES, [0]), CPU)
    optimiser = loop._resume(BY_TABLES, objective, CPU, tmp_path / "killed").optimiser
    for name in ("weights", "mean", "square"):
        assert getattr(optimiser, name).data_ptr() % 16 == 0


@pytest.fixture
def double():
    """Everything in float64, where a difference of rounding is far below any other."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


ONE_LENGTH = regression_settings(attention="softmax", one_length_per_step=True)


@pytest.mark.parametrize(
    "settings", [regression_settings(), ONE_LENGTH, addition_settings(), BY_TABLES, MUON]
)
def test_alone_or_in_a_stack_is_the_same_in_float64(tmp_path, settings, double):
    _, stacked = run(tmp_path, settings, [0, 5, 2], "together")
    _, single = run(tmp_path, settings, [5], "alone")
    assert {tensor.dtype for tensor in single.values()} == {torch.float64}
    own = {key: stacked[key] for key in single}
    torch.testing.assert_close(own, single, atol=1e-10, rtol=1e-10)


def multiply_losses(monkeypatch, task, factor) -> None:
    """Every loss times ``factor(seed, step)``."""
    losses = task.losses

    def multiplied(self, parameters, seeds, step):
        factors = torch.tensor([factor(seed, step) for seed in seeds])
        return losses(self, parameters, seeds, step) * factors

    monkeypatch.setattr(task, "losses", multiplied)


def test_a_diverged_replica_ends_and_the_others_go_on(tmp_path, monkeypatch):
    multiply_losses(monkeypatch, LinearRegression, lambda *at: math.nan if at == (1, 7) else 1.0)
    training, checkpoints = run(tmp_path, regression_settings(), [0, 1, 2])
    assert [r.status for r in training.replicas] == ["finished", "diverged", "finished"]
    assert [r.last_step for r in training.replicas] == [20, 10, 20]
    assert all(tensor.isfinite().all() for tensor in checkpoints.values())


def test_stop_rule_ends_a_run_after_grokking_and_history_is_one_row_per_seed_step_and_split(
    tmp_path,
):
    settings = addition_settings(grokking_accuracy=1e-9, stop_after_grokking=10)
    training, _ = run(tmp_path, settings, [0, 1])
    assert [(own.status, own.last_step) for own in training.replicas] == [("finished", 10)] * 2
    history = pd.DataFrame(training.history)
    assert not history.duplicated(["seed", "step", "split"]).any()
    assert history["step"].isin(range(0, 11)).all()
    assert {"loss", "accuracy", "norm_squared"} <= set(history)


def norms(checkpoints, seed: int) -> Counter:
    """Σθ² of a seed at every checkpoint."""
    found = Counter()
    for key, tensor in checkpoints.items():
        owner, step, _ = key.split("/")
        if owner == f"seed{seed}":
            found[int(step.removeprefix("step"))] += tensor.double().square().sum().item()
    return found


@pytest.mark.parametrize("arm", ["keep", "no_decay", "fixed_norm", "initial_norm"])
def test_weight_decay_changes_its_course_once_the_pairs_are_memorised(tmp_path, arm, monkeypatch):
    """Seed 1 is said to have memorised at step 10; without gradients only decay moves weights."""
    settings = addition_settings(after_memorising=arm, learning_rate=0.1, weight_decay=1.0)

    def said(self, rows):
        return rows[0]["seed"] == 1 and rows[0]["norm_squared"] < said.at_start * 0.3

    said.at_start = 1e9
    monkeypatch.setattr(ModularAddition, "memorised", said)
    multiply_losses(monkeypatch, ModularAddition, lambda seed, step: 0.0)
    _, free = run(tmp_path, settings, [1], "free", weight_decay=0.0)
    said.at_start = norms(free, 1)[0]
    training, checkpoints = run(tmp_path, settings, [0, 1], "arm")
    assert [r.memorised_step for r in training.replicas] == [None, 10]
    decayed, changed = norms(checkpoints, 0), norms(checkpoints, 1)
    assert decayed[20] < 0.9 * decayed[10]
    if arm == "keep":
        assert changed[20] < 0.9 * changed[10]
    elif arm == "initial_norm":  # and biases are left where they are
        assert changed[20] == pytest.approx(changed[0], rel=1e-3)
    else:
        assert changed[20] == pytest.approx(changed[10], rel=1e-6)


def test_a_restart_forgets_the_moments_and_then_uses_the_temperature(tmp_path):
    """From step 5 on it is a training of its own, from the weights of then."""
    settings = BY_TABLES | {"warmup_steps": 5, "weight_decay": 0.0, "temperature": 4.0}
    settings["checkpoints_at"] = {"log_spaced": 1, "log_until": 1, "every": 5, "also": []}
    _, plain = run(tmp_path, settings, [0], "plain", temperature=1.0)
    _, found = run(tmp_path, settings, [0], "found", restart_at=5)
    for key in plain:
        same = torch.equal(plain[key], found[key])
        assert same == (int(key.split("/")[1].removeprefix("step")) <= 5 or not plain[key].any())
    objective = open_objective(settings, write_data(tmp_path, settings, [0]), CPU)
    weights = {key.split("/")[2]: own for key, own in found.items() if "/step0000005/" in key}
    objective.initial = lambda seed: weights
    training = loop.train(objective, settings, [0], CPU, tmp_path / "own")
    own = loop.collect_checkpoints(tmp_path / "own")
    assert training.step == 20
    for name in weights:
        expected = own[checkpoint_key(0, 10, name)]
        torch.testing.assert_close(found[checkpoint_key(0, 15, name)], expected)


def test_weights_that_no_longer_move_end_a_run_as_stalled(tmp_path, monkeypatch):
    """Seed 1 moves at no step from 10 on: its last movement is seen there."""
    monkeypatch.setattr(loop, "STILL_STEPS", 5)
    # without averaging, a step without a gradient is no step
    settings = addition_settings(weight_decay=0.0, betas=[0.0, 0.0])
    multiply_losses(monkeypatch, ModularAddition, lambda seed, step: float(not seed or step < 10))
    training, _ = run(tmp_path, settings, [0, 1])
    assert [r.status for r in training.replicas] == ["finished", "stalled"]
    assert [r.moved_step for r in training.replicas] == [20, 10]
    assert training.replicas[1].last_step == 15


def test_without_a_schedule_only_the_first_and_the_last_weights_are_kept(tmp_path):
    settings = addition_settings(checkpoints_at=None, checkpoint_on_change=1e-9)
    _, checkpoints = run(tmp_path, settings, [0])
    assert {key.split("/")[1] for key in checkpoints} == {"step0000000", "step0000020"}


def test_missing_checkpoint_and_truncated_state_are_named_and_not_overwritten(tmp_path):
    settings = addition_settings()
    run(tmp_path, settings, [0])
    (tmp_path / "state" / "checkpoints" / "step0000003.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"step0000003\.safetensors: no such file"):
        run(tmp_path, settings, [0])
    state = tmp_path / "state" / loop.STATE_FILE
    state.write_bytes(state.read_bytes()[:-10])
    with pytest.raises(CheckpointError, match=r"state\.safetensors: truncated or corrupted"):
        run(tmp_path, settings, [0])
    assert state.exists()


def test_bfloat16_is_for_training_steps_and_not_for_what_is_measured(tmp_path):
    settings = addition_settings()
    data = write_data(tmp_path, settings, [0])
    plain, rounded = (
        ModularAddition(settings | change, data, CPU) for change in ({}, {"mlp_dtype": "bfloat16"})
    )
    parameters = {name: tensor[None] for name, tensor in plain.initial(0).items()}
    exact, loss = (objective.losses(parameters, [0], 1) for objective in (plain, rounded))
    assert loss != exact
    torch.testing.assert_close(loss, exact, atol=0, rtol=2**-7)
    assert plain.measure(parameters, [0]) == rounded.measure(parameters, [0])
