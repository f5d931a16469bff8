"""The bracket is a bracket, and its ends are the laws that are known."""

import pytest

from mechanics.regression.laws.depth_laws import bracket
from mechanics.regression.laws.risk import (
    least_squares_risk,
    one_step_risk,
    optimal_step_size,
)

D, K_MIN, K_MAX = 3, 2, 9


@pytest.mark.parametrize("k", [2, 3, 4, 9])
@pytest.mark.parametrize("n_layers", [1, 2, 3])
def test_levels_are_in_order_at_every_length(n_layers, k):
    levels = bracket(n_layers, D, K_MIN, K_MAX, k)
    assert levels["gd_free_at_k"] <= levels["gd_free"] * (1 + 1e-9)
    assert levels["polynomial_floor"] <= levels["gd_free_at_k"] * (1 + 1e-9)
    assert levels["ols"] <= levels["polynomial_floor"] * (1 + 1e-9)
    assert levels["ols"] < levels["ridge"]


def test_free_steps_are_better_than_tied_ones_for_the_mixture():
    mean = {"gd_tied": 0.0, "gd_free": 0.0, "gd_plus_plus": 0.0}
    for k in range(K_MIN, K_MAX + 1):
        levels = bracket(3, D, K_MIN, K_MAX, k)
        mean = {name: total + levels[name] for name, total in mean.items()}
    assert mean["gd_tied"] > mean["gd_free"] > mean["gd_plus_plus"]


@pytest.mark.parametrize(("n_layers", "floors"), [(2, [0.2626, 0.0955, 0.0232]), (3, [0.1468])])
def test_one_polynomial_for_all_k_is_the_best_in_its_mean_over_k(n_layers, floors):
    for k, floor in zip((10, 20, 50), floors, strict=False):  # solved in 80 digits with mpmath
        assert bracket(n_layers, 10, 5, 50, k)["mixture_floor"] == pytest.approx(floor, abs=6e-5)
    levels = [bracket(n_layers, D, K_MIN, K_MAX, k) for k in range(K_MIN, K_MAX + 1)]
    means = {name: sum(own[name] for own in levels) for name in levels[0]}
    assert means["polynomial_floor"] < means["mixture_floor"] < means["gd_plus_plus"] * (1 + 1e-9)


def test_one_step_with_zero_tokens_is_optimal_at_every_length():
    for k in (2, 9):  # E[S²] = E[S] for S = XᵀX/(k + d + 1): the best size is 1
        levels = bracket(1, D, K_MIN, K_MAX, k, zero_tokens=D + 1)
        assert levels["gd_free"] == pytest.approx(1 - k / (k + D + 1), abs=1e-10)


def test_one_layer_is_the_law_of_one_step():
    step_size = optimal_step_size(D, range(K_MIN, K_MAX + 1))
    for k in (2, 9):
        levels, law = bracket(1, D, K_MIN, K_MAX, k), one_step_risk(step_size, D, k)
        assert levels["gd_tied"] == pytest.approx(law, abs=1e-10)
        assert levels["gd_free"] == pytest.approx(law, abs=1e-10)
        assert levels["ols"] == least_squares_risk(D, k)


def test_six_layers_have_all_levels_from_the_density():
    levels = [bracket(6, D, K_MIN, K_MAX, k) for k in range(K_MIN, K_MAX + 1)]
    assert levels[0]["polynomial_floor"] == pytest.approx(least_squares_risk(D, 2), rel=0.02)
    means = {name: sum(own[name] for own in levels) for name in levels[0]}
    assert means["polynomial_floor"] < means["mixture_floor"] < means["gd_free"]
    assert means["gd_plus_plus"] < means["gd_free"]
