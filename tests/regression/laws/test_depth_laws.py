"""The bracket is a bracket, and its ends are the laws that are known."""

from itertools import pairwise

import pandas as pd
import pytest

from mechanics.regression.laws.depth_laws import bracket
from mechanics.regression.laws.risk import least_squares_risk, one_step_risk, optimal_step_size

D, K_MIN, K_MAX = 3, 2, 5
LENGTHS = range(K_MIN, K_MAX + 1)


def levels_of(n_layers: int) -> pd.DataFrame:
    """The bracket at every k."""
    return pd.DataFrame([bracket(n_layers, D, K_MIN, K_MAX, k) for k in LENGTHS], index=LENGTHS)


@pytest.mark.parametrize("n_layers", [1, 2, 3])
def test_levels_are_in_order_at_every_length_and_in_their_mean(n_layers):
    levels = levels_of(n_layers)
    in_order = ["ols", "polynomial_floor", "gd_free_at_k", "gd_free"]
    for lower, upper in pairwise(in_order):
        assert (levels[lower] <= levels[upper] * (1 + 1e-9)).all()
    assert (levels["ols"] < levels["ridge"]).all()
    means = levels.mean()
    if n_layers > 1:
        assert means["gd_tied"] > means["gd_free"] > means["gd_plus_plus"]
        assert means["polynomial_floor"] < means["mixture_floor"]
        assert means["mixture_floor"] < means["gd_plus_plus"] * (1 + 1e-9)


@pytest.mark.parametrize(
    ("n_layers", "floors"),
    [
        (2, [0.49246261210, 0.32772006364, 0.24711459859, 0.19617413043]),
        (3, [0.38975602668, 0.19574905512, 0.10739686160, 0.06428354061]),
    ],
)
def test_one_polynomial_for_all_k_has_the_floor_solved_in_fractions(n_layers, floors):
    assert levels_of(n_layers)["mixture_floor"].tolist() == pytest.approx(floors, rel=1e-9)


def test_one_layer_is_the_law_of_one_step():
    law = one_step_risk(optimal_step_size(D, LENGTHS), D, K_MAX)
    levels = bracket(1, D, K_MIN, K_MAX, K_MAX)
    assert [levels["gd_tied"], levels["gd_free"]] == pytest.approx([law] * 2, abs=1e-10)
    # with zero tokens E[S²] = E[S] for S = XᵀX/(k + d + 1): the best size is 1 at every length
    levels = bracket(1, D, K_MIN, K_MAX, K_MAX, zero_tokens=D + 1)
    assert levels["gd_free"] == pytest.approx(1 - K_MAX / (K_MAX + D + 1), abs=1e-10)


def test_six_layers_have_all_levels_from_the_density():
    levels = levels_of(6)
    assert levels["ols"][K_MIN] == least_squares_risk(D, K_MIN)
    assert levels["polynomial_floor"][K_MIN] == pytest.approx(levels["ols"][K_MIN], rel=0.02)
    means = levels.mean()
    assert means["polynomial_floor"] < means["mixture_floor"] < means["gd_free"]
    assert means["gd_plus_plus"] < means["gd_free"]


@pytest.mark.parametrize(
    ("changes", "unknown"),
    [
        ({"n_layers": 7}, ["gd_plus_plus", "mixture_floor", "polynomial_floor"]),
        ({"n_layers": 1, "d": 60, "k_min": 59, "k_max": 60, "k": 60}, ["ridge"]),
    ],
)
def test_what_the_density_does_not_resolve_is_nan_and_no_other_level(changes, unknown):
    levels = pd.Series(bracket(**{"d": D, "k_min": K_MIN, "k_max": K_MAX, "k": K_MAX} | changes))
    assert levels.index[levels.isna()].tolist() == unknown
