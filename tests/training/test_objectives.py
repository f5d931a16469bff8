"""What a task asks of its network, and with which precision."""

import pytest
import torch
from helpers import addition_settings, regression_settings, write_data

from mechanics.addition.task import Task as ModularAddition
from mechanics.models.prompts import sample_prompts
from mechanics.regression.task import Task as LinearRegression


def test_bfloat16_is_for_training_steps_and_not_for_what_is_measured(tmp_path):
    settings = addition_settings()
    data = write_data(tmp_path, settings, [0])
    plain, rounded = (
        ModularAddition(settings | change, data, torch.device("cpu"))
        for change in ({}, {"mlp_dtype": "bfloat16"})
    )
    parameters = {name: tensor[None] for name, tensor in plain.initial(0).items()}
    exact, loss = (objective.losses(parameters, [0], 1) for objective in (plain, rounded))
    assert loss != exact
    torch.testing.assert_close(loss, exact, atol=0, rtol=2**-7)
    assert plain.measure(parameters, [0]) == rounded.measure(parameters, [0])


@pytest.mark.parametrize("n_prompts", [16, 21])
def test_a_history_is_measured_on_the_first_prompts_of_the_data_stage(n_prompts):
    settings = regression_settings(n_prompts_history=n_prompts)
    stored = {k: sample_prompts("evaluation", 0, k, 64, k, 1, settings["d"]) for k in (4, 8)}
    for k, prompts in LinearRegression(settings, [], torch.device("cpu")).evaluation.items():
        for name in ("x", "y", "x_test", "y_test"):
            expected = getattr(stored[k], name)[:, :n_prompts]
            assert torch.equal(getattr(prompts, name), expected)
