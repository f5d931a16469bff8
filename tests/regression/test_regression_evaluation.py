"""The evaluations, on networks whose answer is known by construction."""

import pytest
import torch
from helpers import held_out, regression_network, regression_settings

from mechanics.regression.evaluation import evaluation
from mechanics.regression.laws.risk import one_step_risk, optimal_step_size

D = 3


@pytest.fixture(scope="module", params=[0.0, 0.5])
def constructed_step(request):
    """One linear layer that is one gradient step of the size that is best for its mixture of k."""
    noise = request.param
    settings = regression_settings(n_prompts_history=4096, noise=noise)
    size = optimal_step_size(D, range(settings["k_min"], settings["k_max"] + 1), noise)
    match = torch.eye(D + 1)
    match[D, D] = 0
    write_y = torch.zeros(D + 1, D + 1)
    write_y[D, D] = -size
    matrices = {"Q": match * (D + 1) ** 0.5, "K": match, "V": torch.eye(D + 1), "O": write_y}
    weights = {f"blocks.0.attn.W_{letter}": m[None] for letter, m in matrices.items()}
    found = evaluation([regression_network(settings, weights)], held_out(settings))
    return size, noise, found["risk"], found["distances"]


def test_constructed_step_has_the_risk_of_the_law(constructed_step):
    size, noise, risks, _ = constructed_step
    assert risks["k"].tolist() == [4, 8]
    assert risks["c_hat"].tolist() == pytest.approx([size, size])
    for row in risks.itertuples():
        assert row.risk == pytest.approx(one_step_risk(size, D, row.k, noise), abs=1e-6)
        assert row.risk_se == 0
        assert abs(row.risk_sampled / row.risk - 1) < 0.1


def test_constructed_step_is_recognised_as_one_step(constructed_step):
    *_, distances = constructed_step
    by_algorithm = distances.groupby("algorithm")["preds_diff"].max()
    assert by_algorithm["one-step GD"] < 1e-5
    assert by_algorithm.drop("one-step GD").min() > 0.1
