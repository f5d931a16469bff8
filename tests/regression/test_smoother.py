"""Softmax layers that were built to be kernel smoothers: their weights, and the measurement."""

from dataclasses import replace

import pandas as pd
import pytest
import torch
from gradient_steps import merged_heads, smoothing_heads, token_layers
from helpers import held_out, regression_network, regression_settings

from mechanics.regression.laws.risk import debiased_risk, optimal_debiased_step_size
from mechanics.regression.smoother import smoother, softmax_heads

D, OMEGA, SCALE = 3, [0.4, -0.3], [1.2, -0.8]
LAYER = token_layers("softmax", n_heads=2)
RESTS = ["isotropy", "query_key_rest", "value_rest"]


def read(W_QK, W_VO, d: int = D) -> pd.DataFrame:
    return pd.DataFrame(softmax_heads(merged_heads(W_QK, W_VO), LAYER, d))


def test_smoothers_are_read_back_and_what_no_prediction_depends_on_is_left_out():
    """The query's y is 0, and what is written to x is not read out."""
    W_QK, W_VO = smoothing_heads(OMEGA, SCALE)
    W_QK[:, D], W_VO[:, :, :D] = 7.0, 7.0
    heads = read(W_QK, W_VO)
    assert heads["omega"].tolist() == pytest.approx(OMEGA, abs=1e-12)
    assert heads["scale"].tolist() == pytest.approx(SCALE, abs=1e-12)
    assert heads[RESTS].abs().max(axis=None) < 1e-12


def test_what_is_not_a_smoother_is_measured():
    W_QK, W_VO = smoothing_heads(OMEGA, SCALE)
    W_QK[0, 0, D] = 0.2  # the query's x with the context's y
    W_VO[1, 2, D] = 0.4  # the context's x into the prediction
    W_QK[1, :D, :D] = torch.diag(torch.tensor([0.9, 0.0, 0.0]))
    heads = read(W_QK, W_VO)
    assert heads["query_key_rest"].tolist() == pytest.approx([0.5, 0])
    assert heads["value_rest"].tolist() == pytest.approx([0, 0.5])
    assert heads["isotropy"].tolist() == pytest.approx([0, (2 / 3) ** 0.5])


def test_coordinates_that_prompts_do_not_use_do_not_count():
    W_QK, W_VO = smoothing_heads(OMEGA, SCALE)
    W_QK[:, 2, 2] = 99.0
    assert read(W_QK, W_VO, 2)["omega"].tolist() == pytest.approx(OMEGA, abs=1e-12)
    with pytest.raises(ValueError, match="fewer coordinates"):
        read(W_QK, W_VO, D + 1)


@pytest.mark.parametrize(
    "change",
    [{"attention": "linear"}, {"n_layers": 2}, {"embedded": True}, {"d_mlp": 16}],
)
def test_other_networks_have_no_smoother(change):
    with pytest.raises(ValueError, match="are defined for"):
        softmax_heads({}, replace(LAYER, **change), D)


def measure(*pairs, n_prompts: int = 512) -> pd.DataFrame:
    """Of seeds 0, 1, … that are smoothers with these ω and μ of their heads."""
    n_heads = len(pairs[0][0])
    changes = {"n_heads": n_heads, "d_mlp": 0, "n_prompts_history": n_prompts}
    settings = regression_settings(attention="softmax", **changes)
    networks = []
    for seed, pair in enumerate(pairs):
        weights = merged_heads(*smoothing_heads(*pair))
        own = {name: tensor[0].float() for name, tensor in weights.items()}
        networks.append(regression_network(settings, own, seed))
    return smoother(networks, held_out(settings))


def test_a_constructed_head_is_its_exponential_smoother():
    rows = measure(([0.5], [1.1]), n_prompts=2048)
    assert rows["omega_unit"].tolist() == pytest.approx([D**-0.5] * 2)
    assert rows["preds_diff_exponential"].max() < 1e-5
    assert rows["r_squared_exponential"].min() > 1 - 1e-9
    assert rows["risk"].tolist() == pytest.approx(rows["risk_exponential"].tolist(), abs=1e-6)
    assert ((rows["risk"] - rows["risk_law"]).abs() < 4 * rows["risk_se"]).all()
    assert rows["risk_optimum"].mean() < rows["risk_law"].mean()
    assert rows["risk_debiased"].isna().all()


def test_the_gaussian_kernel_is_another_one_and_none_at_negative_omega():
    rows = measure(([0.5], [1.0]), ([-0.5], [-1.0]))
    by_seed = dict(list(rows.groupby("seed")))
    assert by_seed[0]["preds_diff_gaussian"].min() > 0.1
    assert by_seed[0]["r_squared_gaussian"].max() < 0.99
    assert by_seed[1].filter(like="gaussian").isna().all(axis=None)
    assert by_seed[1]["r_squared_exponential"].min() > 1 - 1e-9


def test_two_opposite_heads_have_a_law_and_the_debiased_step_beside_it():
    rows = measure(([0.3, -0.3], [1.2, -1.2]), n_prompts=2048)
    assert rows.groupby("k")["head"].apply(list).tolist() == [[0, 1]] * 2
    assert ((rows["risk"] - rows["risk_law"]).abs() < 4 * rows["risk_se"]).all()
    step = optimal_debiased_step_size(D, range(2, 9))
    expected = [debiased_risk(step, D, k) for k in rows["k"]]
    assert rows["risk_debiased"].tolist() == pytest.approx(expected)
    assert rows["r_squared_exponential"].min() > 1 - 1e-9


def test_heads_that_are_not_opposite_have_no_law():
    others = [(0.3, 1.2), (0.3, -1.1), (-0.3, 1.2), (-0.6, -1.2)]
    rows = measure(*(([0.3, omega], [1.2, scale]) for omega, scale in others), n_prompts=16)
    assert rows["risk_law"].isna().all()
    assert rows["r_squared_exponential"].min() > 1 - 1e-9
