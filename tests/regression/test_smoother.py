"""Softmax layers that were built to be kernel smoothers: their weights, and the measurement."""

import pandas as pd
import pytest
from gradient_steps import merged_heads, smoothing_heads, token_layers
from helpers import held_out, regression_network, regression_settings, single

from mechanics.regression.effective_weights import softmax_heads
from mechanics.regression.smoother import smoother

D, OMEGA, SCALE = 3, [0.4, -0.3], [1.2, -0.8]


def test_smoothers_are_read_back_and_what_no_prediction_depends_on_is_left_out():
    """The query's y is 0, what is written to x is not read out, and prompts use d coordinates."""
    W_QK, W_VO = smoothing_heads(OMEGA, SCALE)
    W_QK[:, D], W_VO[:, :, :D], W_QK[:, 2, 2] = 7.0, 7.0, 99.0
    heads = softmax_heads(merged_heads(W_QK, W_VO), token_layers("softmax", n_heads=2), 2)
    assert [own.tolist() for own in heads] == [pytest.approx(OMEGA), pytest.approx(SCALE)]


def measure(*pairs, n_prompts: int = 512) -> pd.DataFrame:
    """Of seeds 0, 1, … that are smoothers with these ω and μ of their heads."""
    n_heads = len(pairs[0][0])
    changes = {"n_heads": n_heads, "d_mlp": 0, "n_prompts_history": n_prompts}
    settings = regression_settings(attention="softmax", **changes)
    weights = [single(merged_heads(*smoothing_heads(*pair))) for pair in pairs]
    networks = [regression_network(settings, own, seed) for seed, own in enumerate(weights)]
    return smoother(networks, held_out(settings))


def test_a_constructed_head_is_its_exponential_smoother():
    rows = measure(([0.5], [1.1]), n_prompts=2048)
    assert rows["omega"].tolist() == pytest.approx([0.5] * 2)
    assert rows["scale"].tolist() == pytest.approx([1.1] * 2)
    assert rows["omega_unit"].tolist() == pytest.approx([D**-0.5] * 2)
    assert rows["r_squared_exponential"].min() > 1 - 1e-9
    assert (rows["risk_optimum_same_prompts"] < rows["risk"] + 3 * rows["risk_se"]).all()


def test_the_gaussian_kernel_is_another_one_and_none_at_negative_omega():
    rows = measure(([0.5], [1.0]), ([-0.5], [-1.0]))
    by_seed = dict(list(rows.groupby("seed")))
    assert by_seed[0]["r_squared_gaussian"].max() < 0.99
    assert by_seed[1]["r_squared_gaussian"].isna().all()
    assert by_seed[1]["r_squared_exponential"].min() > 1 - 1e-9


def test_heads_add_up_and_three_of_them_have_no_optimum():
    rows = measure(([0.3, -0.6], [1.2, -1.1]), n_prompts=16)
    assert rows.groupby("k")["head"].apply(list).tolist() == [[0, 1]] * 2
    assert rows["r_squared_exponential"].min() > 1 - 1e-9
    assert rows["omega_optimum"].notna().all()
    rows = measure(([0.3, -0.6, 0.1], [1.2, -1.1, 1.0]), n_prompts=16)
    assert rows["r_squared_exponential"].min() > 1 - 1e-9
    assert rows["risk_optimum_same_prompts"].isna().all()
