"""Every checkpoint followed: a layer whose algorithm is known, and what is no sound network."""

import math

import pandas as pd
import pytest
import torch
from gradient_steps import one_step
from helpers import held_out, regression_settings, write_checkpoints, write_run
from monte_carlo import draw_prompts

from mechanics.regression.following import correlation, effective_weights
from mechanics.regression.held_out import sensitivities
from mechanics.regression.laws.risk import gradient_cosine
from mechanics.training.checkpoint import Run

SIZE = 0.6


def follow(run, settings: dict) -> pd.DataFrame:
    return effective_weights(Run(run), held_out(settings))


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """From a layer that predicts the negative of a step to one that is a step."""
    folder = tmp_path_factory.mktemp("run")
    settings = regression_settings(n_prompts_history=2048)
    checkpoints = {(0, 0): one_step(3, -0.1), (0, 20): one_step(3, SIZE)}
    return follow(write_checkpoints(folder, settings, checkpoints), settings)


def test_every_checkpoint_and_length_has_the_effective_weights_of_its_step(learned):
    assert learned[["step", "k"]].values.tolist() == [[0, 4], [20, 4], [0, 8], [20, 8]]
    assert learned["correlation_gd"].tolist() == pytest.approx([-1, 1, -1, 1], abs=1e-5)
    last = learned.query("step == 20")
    assert last["c_hat"].tolist() == pytest.approx([SIZE] * 2, abs=1e-5)
    assert last["isotropy"].max() < 1e-6


def test_its_correlation_with_least_squares_is_the_null_and_shuffling_y_leaves_little(learned):
    """For k > d least squares is w, so that only the law of the null can be measured."""
    last = learned.query("step == 20").set_index("k")
    assert last["correlation_ols"][8] == pytest.approx(gradient_cosine(3, 8), abs=0.02)
    # E⟨XᵀY, XᵀPY⟩ = E‖XᵀY‖²/k = d(k + d + 1), because some y stay in place, E‖XᵀPY‖² = d(kd + 4)
    expected = (12 / (8 * (8 * 3 + 4))) ** 0.5
    assert last["correlation_shuffled"][8] == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize("changes", [{"d": 1, "k_min": 1}, {"d": 5}, {"d_max": 6}])
def test_one_dimension_short_contexts_and_padding(tmp_path, changes):
    settings = regression_settings(**changes)
    own = one_step(settings["d_max"] or settings["d"], SIZE)
    weights = follow(write_run(tmp_path, settings, own), settings)
    assert weights["correlation_gd"].tolist() == pytest.approx([1, 1], abs=1e-5)
    assert weights["c_hat"].tolist() == pytest.approx([SIZE] * 2)


def test_a_diverged_replica_is_nan_and_no_crash(tmp_path):
    settings = regression_settings()
    broken = {name: tensor * math.nan for name, tensor in one_step(3, SIZE).items()}
    weights = follow(write_run(tmp_path, settings, broken), settings)
    assert weights["correlation_gd"].isna().all()


def test_sensitivity_of_a_curve_is_its_derivative_at_each_test_point():
    prompts = draw_prompts(4, 12, n_prompts=300, n_queries=3)  # more than one chunk
    found = sensitivities(lambda p: p.x_test.square().sum(-1), prompts)
    torch.testing.assert_close(found, 2 * prompts.x_test[0])
    assert correlation(found, 3 * found) == pytest.approx(1)  # at any step size
    assert math.isnan(correlation(found, torch.ones_like(found)))
