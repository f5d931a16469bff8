"""What training minimises, on networks whose error is known."""

import pytest
import torch
from helpers import regression_settings, write_data

from mechanics.models.moments import STRETCH, draw_moments
from mechanics.regression.task import RISK_FLOOR, Task

STRATA, N = 4, 16
MOMENTS = {"standard_tokens": True, "trained_on": "moments", "strata": STRATA, "n_layers": 2}


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    settings = regression_settings(**MOMENTS, curriculum="mixed")
    data = write_data(tmp_path_factory.mktemp("data"), settings, [])
    return Task(settings, data, torch.device("cpu"))


def test_without_weights_the_loss_is_the_mean_log_risk_of_predicting_zero(task):
    weights = {name: torch.zeros(2, *shape) for name, shape in task.shapes.items()}
    w = torch.cat([task.moments(seed, 3).w for seed in (0, 1)])
    risks = w.square().mean(-1).unflatten(-1, (STRATA + 1, -1)).mean(-1)
    expected = (risks[:, :STRATA] + RISK_FLOOR).log().sum(-1) + (risks[:, STRATA] + 1).log()
    torch.testing.assert_close(task.losses(weights, [0, 1], 3), expected / (STRATA + 1))


def test_the_last_stratum_is_stretched_and_as_short_as_the_first(task):
    found, n = task.moments(0, 3), N // STRATA
    assert found.k[0, N:].tolist() == found.k[0, :n].tolist()
    assert found.k[0, :n].max() <= found.k[0, n:N].min()
    plain = draw_moments("prompts", 0, 3, found.k[0], task.settings["d"])
    factor = (found.scatter / plain.scatter)[0]
    assert (factor[:N] == 1).all()
    one = factor[N:, 0, 0]  # one factor for all of a matrix
    torch.testing.assert_close(factor[N:], one[:, None, None].expand_as(factor[N:]))
    assert one.min() >= 1 and one.max() <= STRETCH and one.std() > 0
