"""Constructed networks on shifted prompts: every measured risk has its law."""

import pandas as pd
import pytest
from gradient_steps import one_step
from helpers import held_out, regression_network, regression_settings

from mechanics.models import regression
from mechanics.regression import generalisation
from mechanics.regression.laws.risk import least_squares_risk, one_step_risk

D, C = 3, 0.6
COLUMNS = "seed arm shift value k d risk risk_se risk_median law law_name ols n_prompts"


@pytest.fixture
def evaluated(monkeypatch):
    """A function from settings and weights to the rows."""
    monkeypatch.setattr(generalisation, "N_PROMPTS", 2048)
    monkeypatch.setattr(generalisation, "N_PROMPTS_EMBEDDED", 16)

    def run(settings, weights) -> pd.DataFrame:
        network = regression_network(settings, weights)
        return generalisation.generalisation([network], held_out(settings))

    return run


def assert_laws(rows) -> None:
    worst = ((rows["risk"] - rows["law"]) / rows["risk_se"]).abs().max()
    assert worst < 4, f"a risk is {worst:.1f} standard errors away from its law"


def test_a_gradient_step_has_its_law_at_every_shift_beside_least_squares(evaluated):
    rows = evaluated(regression_settings(), one_step(D, C))
    assert list(rows.columns) == COLUMNS.split()
    assert set(rows["arm"]) == {"trained"}
    shifts = {"context_length", "input_scale", "weight_scale", "covariance", "noise"}
    assert set(rows["shift"]) == shifts
    assert_laws(rows)
    scaled = rows[rows["shift"] == "input_scale"]
    expected = [one_step_risk(C * alpha**2, D, 8) for alpha in scaled["value"]]
    assert scaled["law"].tolist() == pytest.approx(expected, rel=1e-6)
    weights = rows[rows["shift"] == "weight_scale"]["risk"]
    assert weights.tolist() == pytest.approx([weights.iloc[0]] * len(weights), rel=1e-5)
    exact = (rows["k"] > D) & (rows["shift"] != "noise")
    assert rows.loc[exact, "ols"].max() < 1e-6  # float32's rounding
    short = rows[rows["k"] < D].drop_duplicates("k")
    noisy = rows[rows["value"].eq(5.0) & rows["shift"].eq("noise")]
    for row, noise in ((short, 0.0), (noisy, 5.0)):
        expected = least_squares_risk(D, row["k"].item(), noise)
        # its standard error is below 4 % in both cases
        assert row["ols"].item() == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize("arm", ["axis", "random"])
def test_a_step_in_all_dimensions_has_the_risk_of_the_dimension_it_sees(evaluated, arm):
    settings = regression_settings(d_max=6, subspace=arm)
    rows = evaluated(settings, one_step(6, C))
    own = rows[rows["shift"] == "dimension"]
    assert set(own["arm"]) == {arm}
    assert sorted(own["d"].unique()) == [1, 3, 4, 6]
    expected = [one_step_risk(C, row.d, row.k) for row in own.itertuples()]
    assert own["law"].tolist() == pytest.approx(expected, rel=1e-6)
    assert_laws(rows)


def test_one_dimension_and_single_pairs(evaluated):
    settings = regression_settings(d=1, d_max=2, k_min=1, k_max=2, measured_at=[1, 2])
    rows = evaluated(settings, one_step(2, C))
    assert rows["k"].min() == rows["d"].min() == 1
    assert rows[["risk", "law", "ols"]].notna().all(axis=None)


def test_a_network_that_embeds_its_tokens_reads_fewer_of_the_same_prompts(evaluated):
    settings = regression_settings(d_model=8, d_head=8)
    assert set(evaluated(settings, regression.initial(settings, 0))["n_prompts"]) == {16}


def test_a_diverged_replica_has_rows_and_no_risk(evaluated):
    rows = evaluated(regression_settings(), one_step(D, float("nan")))
    assert rows["risk"].isna().all()
    assert rows["law"].isna().all()
    assert rows["ols"].notna().all()
