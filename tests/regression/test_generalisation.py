"""Constructed networks on shifted prompts: every measured risk has its law, and laws agree."""

import math
from dataclasses import replace

import pandas as pd
import pytest
import torch
from gradient_steps import merged_heads, merged_step, one_step, smoothing_heads, token_layers
from helpers import held_out, normal, regression_network, regression_settings
from monte_carlo import assert_within_error

from mechanics.models import regression
from mechanics.models.prompts import embed, random_subspaces, squared_errors
from mechanics.models.shifted_prompts import Shift, base_draws, shifted_prompts
from mechanics.models.transformer import standard_tokens
from mechanics.regression import generalisation
from mechanics.regression.generalisation import mean_subspace_risk, shift_law
from mechanics.regression.laws.risk import least_squares_risk, one_step_risk, preconditioned_error
from mechanics.regression.laws.softmax_law import softmax_draws

D, C = 3, 0.6
K, N = 6, 10_000
WHITE = (1.0,) * D
SHIFTS = [
    Shift("context_length", 2.0, 2, WHITE),
    Shift("input_scale", 1.5, K, (2.25,) * D),
    Shift("weight_scale", 2.0, K, WHITE, weight_scale=2.0),
    Shift("covariance", 1.0, K, (1.8, 0.9, 0.3)),
    Shift("noise", 2.0, K, WHITE, noise=2.0),
    Shift("noise", 2.0, K, (1.8, 0.9, 0.3), weight_scale=0.5, noise=0.7),  # all at once
]
NOISELESS = [shift for shift in SHIFTS if shift.noise == 0]
GAMMA = torch.tensor([[0.7, 0.2, 0.0], [-0.1, 0.5, 0.0], [0.0, 0.3, 0.9]]).double()
DRAWS = softmax_draws(D, K, 50_000, torch.Generator().manual_seed(0))
STEP = merged_heads(*merged_step(GAMMA))


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
    columns = "seed arm shift value k d risk risk_se risk_median law ols n_prompts"
    assert rows.columns.tolist() == columns.split()
    assert set(rows["arm"]) == {"trained"}
    assert set(rows["shift"]) == {shift.name for shift in SHIFTS}
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
    own = rows.query("shift == 'dimension'")
    assert set(own["arm"]) == {arm}
    assert sorted(own["d"].unique()) == [1, 3, 4, 6]
    expected = [one_step_risk(C, row.d, row.k) for row in own.itertuples()]
    assert own["law"].tolist() == pytest.approx(expected, rel=1e-6)
    assert_laws(rows)


def test_one_dimension_and_single_pairs_and_a_diverged_replica_without_risk(evaluated):
    settings = regression_settings(d=1, d_max=2, k_min=1, k_max=2, measured_at=[1, 2])
    rows = evaluated(settings, one_step(2, C))
    assert rows["k"].min() == rows["d"].min() == 1
    assert rows[["risk", "law", "ols"]].notna().all(axis=None)
    rows = evaluated(settings, one_step(2, float("nan")))
    assert rows[["risk", "law"]].isna().all(axis=None) and rows["ols"].notna().all()


def test_a_network_that_embeds_its_tokens_reads_fewer_of_the_same_prompts(evaluated):
    settings = regression_settings(d_model=8, d_head=8)
    assert set(evaluated(settings, regression.initial(settings, 0))["n_prompts"]) == {16}


def law_of(shift, arm: str, weights: dict = STEP, network=None) -> float:
    return shift_law(weights, network or token_layers(), shift, arm, DRAWS)


def errors(parameters, network, shift, bases=None) -> torch.Tensor:
    """Squared error of every prompt over E[y²]."""
    own = shifted_prompts(shift, base_draws([shift], N, 1), 1).double()
    own = embed(own, network.d_model - 1, bases)
    return squared_errors(regression.forward(parameters, own, network), own)[0] / shift.power


@pytest.mark.parametrize("changes", [{}, standard_tokens(D)])
@pytest.mark.parametrize("shift", SHIFTS)
def test_a_preconditioned_step_has_its_law(shift, changes):
    network = replace(token_layers(), **changes)
    assert_within_error(errors(STEP, network, shift), law_of(shift, "trained", STEP, network))


@pytest.mark.parametrize("d", [2, D])
def test_a_layer_on_the_axes_has_the_law_of_all_its_weights(d):
    shift = Shift("dimension", float(d), K, (1.0,) * d)
    weights = merged_heads(*(0.4 * normal(2, 1, D + 1, D + 1)))
    law = law_of(shift, "axis", weights)
    assert_within_error(errors(weights, token_layers(), shift), law)
    neglected = law_of(shift, "trained", weights)
    assert abs(neglected / law - 1) > 0.05  # so that the test would see a missing term
    assert law_of(shift, "axis") == pytest.approx(preconditioned_error(GAMMA[:d, :d], K) / d)


def test_random_subspaces_have_their_law():
    shift = Shift("dimension", 2.0, K, (1.0, 1.0))
    bases = random_subspaces(N, 2, D, torch.Generator().manual_seed(0)).double()
    assert_within_error(errors(STEP, token_layers(), shift, bases), law_of(shift, "random"))


def test_subspaces_of_isotropic_steps_and_of_all_dimensions_have_known_laws():
    step = 0.6 * torch.eye(D, dtype=torch.float64)
    cases = [(step, d, one_step_risk(0.6, d, K)) for d in (1, 2, 3)]
    cases += [(step[:1, :1], 1, one_step_risk(0.6, 1, K))]
    cases += [(GAMMA, D, preconditioned_error(GAMMA, K) / D)]
    for gamma, d, expected in cases:
        assert mean_subspace_risk(gamma, d, K) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("shift", NOISELESS)
@pytest.mark.parametrize(
    ("omegas", "scales"), [((0.4,), (1.3,)), ((-0.3, 0.3), (-1.1, 1.1)), ((0.3, -0.3), (-0.2, 0.2))]
)
def test_softmax_heads_have_their_law(omegas, scales, shift):
    weights = merged_heads(*smoothing_heads(omegas, scales))
    network = token_layers("softmax", n_heads=len(omegas))
    law = law_of(shift, "trained", weights, network)
    assert_within_error(errors(weights, network, shift), law)


@pytest.mark.parametrize(
    ("omegas", "scales", "shift"),
    [
        ((0.3, 0.2), (1.0, -1.0), SHIFTS[0]),
        ((0.3, 0.2, -0.1), (1.0, -1.0, 1.0), SHIFTS[0]),
        ((0.3,), (1.0,), SHIFTS[4]),  # noise
    ],
)
def test_what_has_no_law_gets_none(omegas, scales, shift):
    weights = merged_heads(*smoothing_heads(omegas, scales))
    one_layer = token_layers("softmax", n_heads=len(omegas))
    for network in (one_layer, token_layers(n_layers=2)):
        assert math.isnan(law_of(shift, "trained", weights, network))
