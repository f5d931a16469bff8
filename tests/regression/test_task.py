"""What training minimises, on networks whose error is known."""

import pytest
import torch
from helpers import regression_settings, write_data

from mechanics.models import regression
from mechanics.models.moments import STRETCH, draw_moments
from mechanics.models.prompts import shorten, squared_errors
from mechanics.regression.task import RISK_FLOOR, Task
from mechanics.training.schedules import lengths_of_step

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


def test_strata_of_prompts_have_a_length_each_and_their_own_risks(tmp_path):
    changes = {"attention": "softmax", "d_model": 8, "one_length_per_step": True}
    settings = regression_settings(**changes, strata=STRATA, curriculum="mixed")
    task = Task(settings, write_data(tmp_path, settings, []), torch.device("cpu"))
    lengths = lengths_of_step(settings, 0, 3)
    assert len(lengths) == STRATA
    assert (lengths.diff() > 0).all()
    weights, n = {name: torch.ones(1, *shape) for name, shape in task.shapes.items()}, N // STRATA
    for seed in (0, 1):
        drawn, risks = task.prompts(seed, 3), []
        for stratum, k in enumerate(lengths):
            own = shorten(drawn.part(slice(n * stratum, n * (stratum + 1))), k.expand(1, n))
            errors = squared_errors(regression.forward(weights, own, task.architecture), own)
            risks.append(errors.mean() / settings["d"])
        torch.testing.assert_close(task.losses(weights, [seed], 3)[0], torch.stack(risks))
