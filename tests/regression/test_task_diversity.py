"""Few tasks, on a layer that is the step which the law predicts."""

import pytest
import torch
from gradient_steps import gradient_steps
from helpers import held_out, regression_network, regression_settings, single, write_data

from mechanics.models.prompts import training_tasks
from mechanics.regression.laws.risk import mean_inverse, optimal_task_preconditioner
from mechanics.regression.measures import tables_of
from mechanics.regression.task import Task
from mechanics.regression.task_diversity import COLUMNS, task_diversity

D, N_TASKS = 3, 2


def measured(noise: float, n_tasks: int | None):
    settings = regression_settings(noise=noise, n_tasks=n_tasks, n_prompts_history=512)
    assert tables_of(settings) == ["task_diversity"]
    weights, network = gradient_steps([1.0], D)
    lengths = range(settings["k_min"], settings["k_max"] + 1)
    tasks = training_tasks(0, n_tasks, D)
    moment = torch.eye(D) if tasks is None else tasks.T @ tasks / len(tasks)
    gamma = optimal_task_preconditioner(moment, lengths, noise)
    weights["blocks.0.attn.W_Q"][0, 0, :D, :D] = gamma / network.score_scale
    return task_diversity([regression_network(settings, single(weights))], held_out(settings))


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_the_step_of_the_law_has_its_risk_on_seen_and_new_tasks(noise):
    found = measured(noise, N_TASKS)
    assert found.columns.tolist() == COLUMNS and found["k"].tolist() == [4, 8]
    for kind in ("seen", "new"):
        assert found[f"risk_{kind}"].tolist() == pytest.approx(found[f"predicted_{kind}"], abs=1e-6)
        assert (found[f"risk_se_{kind}"] < 1e-6).all()
    assert (found["posterior_seen"] < found["ridge_seen"] + 1e-9).all()
    assert (found["ridge_new"] < found[["posterior_new", "predicted_new"]].min(axis=1)).all()
    if not noise:  # the prompts' own task fits, and least squares finds every task
        assert found[["posterior_seen", "ridge_seen", "ridge_new"]].to_numpy().max() < 1e-8


def test_of_unlimited_tasks_none_is_seen_twice():
    found = measured(0.0, None)
    assert found[["n_tasks", "risk_seen", "posterior_new"]].isna().all(axis=None)
    c = 1 / (1 + (D + 1) * mean_inverse(range(2, 9)))
    expected = [1 - 2 * c + c**2 * (k + D + 1) / k for k in (4, 8)]
    assert found["predicted_new"].tolist() == pytest.approx(expected)


def test_training_prompts_have_no_other_task(tmp_path):
    settings = regression_settings(n_tasks=N_TASKS, queries_per_prompt=D + 1)
    task = Task(settings, write_data(tmp_path, settings, []), torch.device("cpu"))
    drawn = [task.prompts(0, step) for step in range(3)]
    found = torch.cat([torch.linalg.lstsq(p.x_test[0], p.y_test[0, ..., None])[0] for p in drawn])
    distances = torch.cdist(found[..., 0], training_tasks(0, N_TASKS, D))
    assert distances.min(dim=1).values.max() < 1e-3
    assert set(distances.argmin(dim=1).tolist()) == {0, 1}


def test_noise_is_in_the_context_of_all_prompts_alone(tmp_path):
    data, cpu = write_data(tmp_path, regression_settings(), []), torch.device("cpu")
    own = [Task(regression_settings(noise=noise), data, cpu) for noise in (0.0, 0.5)]
    for exact, noisy in ([t.prompts(0, 19) for t in own], [t.evaluation[8] for t in own]):
        assert torch.equal(exact.y_test, noisy.y_test) and torch.equal(exact.x, noisy.x)
        assert (noisy.y - exact.y)[exact.y != 0].var() == pytest.approx(0.5, rel=0.4)
