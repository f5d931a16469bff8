"""The measurement of softmax layers, on networks that were built to be kernel smoothers."""

import pandas as pd
import pytest
from helpers import held_out, regression_network, regression_settings
from test_attention_measure import D, head_pair

from mechanics.regression.laws.risk import debiased_risk, optimal_debiased_step_size
from mechanics.regression.smoother import smoother


def measure(weights: list[dict], **changes) -> pd.DataFrame:
    changes = {"attention": "softmax", "d_mlp": 0, "n_prompts_history": 512} | changes
    settings = regression_settings(**changes)
    networks = [regression_network(settings, own, seed) for seed, own in enumerate(weights)]
    return smoother(networks, held_out(settings))


def one_head(omega: float, scale: float) -> dict:
    return {name: t[:1].clone() for name, t in head_pair([omega, 0], [scale, 0]).items()}


def test_a_constructed_head_is_its_exponential_smoother():
    rows = measure([one_head(0.5, 1.1)], n_heads=1)
    assert rows["omega"].tolist() == pytest.approx([0.5] * 2, rel=1e-6)
    assert rows["scale"].tolist() == pytest.approx([1.1] * 2, rel=1e-6)
    assert rows["omega_unit"].tolist() == pytest.approx([D**-0.5] * 2)
    assert rows["preds_diff_exponential"].max() < 1e-5
    assert rows["r_squared_exponential"].min() > 1 - 1e-9
    assert rows["risk"].tolist() == pytest.approx(rows["risk_exponential"].tolist(), abs=1e-6)


def test_risk_of_a_constructed_head_is_that_of_the_law():
    rows = measure([one_head(0.5, 1.1)], n_heads=1, n_prompts_history=2048)
    assert ((rows["risk"] - rows["risk_law"]).abs() < 4 * rows["risk_se"]).all()
    assert (rows["risk_optimum"].mean() < rows["risk_law"].mean()) and rows[
        "risk_debiased"
    ].isna().all()


def test_the_gaussian_kernel_is_another_one_and_none_at_negative_omega():
    rows = measure([one_head(0.5, 1.0), one_head(-0.5, -1.0)], n_heads=1)
    by_seed = dict(list(rows.groupby("seed")))
    assert by_seed[0]["preds_diff_gaussian"].min() > 0.1
    assert by_seed[0]["r_squared_gaussian"].max() < 0.99
    assert by_seed[1].filter(like="gaussian").isna().all(axis=None)
    assert by_seed[1]["r_squared_exponential"].min() > 1 - 1e-9


def test_two_opposite_heads_have_a_law_and_the_debiased_step_beside_it():
    rows = measure([head_pair([0.3, -0.3], [1.2, -1.2])], n_heads=2, n_prompts_history=2048)
    assert rows.groupby("k")["head"].apply(list).tolist() == [[0, 1]] * 2
    assert ((rows["risk"] - rows["risk_law"]).abs() < 4 * rows["risk_se"]).all()
    step = optimal_debiased_step_size(D, range(2, 9))
    expected = [debiased_risk(step, D, k) for k in rows["k"]]
    assert rows["risk_debiased"].tolist() == pytest.approx(expected)
    assert rows["r_squared_exponential"].min() > 1 - 1e-9


@pytest.mark.parametrize("second", [(0.3, 1.2), (0.3, -1.1), (-0.3, 1.2), (-0.6, -1.2)])
def test_heads_that_are_not_opposite_have_no_law(second):
    omegas, scales = zip((0.3, 1.2), second, strict=True)
    rows = measure([head_pair(list(omegas), list(scales))], n_heads=2, n_prompts_history=16)
    assert rows["risk_law"].isna().all()
    assert rows["r_squared_exponential"].min() > 1 - 1e-9


def test_linear_attention_is_no_smoother():
    with pytest.raises(ValueError, match="one layer of softmax attention"):
        measure([one_head(0.5, 1.0)], n_heads=1, attention="linear", n_prompts_history=16)
