"""What a task asks of its network, and with which precision."""

import torch
from helpers import addition_settings, write_data

from mechanics.addition.task import Task as ModularAddition


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
