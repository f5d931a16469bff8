"""Spectral filters of predictors whose filter is known by construction."""

from functools import partial

import pytest
import torch
from gradient_steps import one_step
from helpers import held_out, regression_network, regression_settings
from monte_carlo import draw_prompts

from mechanics.regression import algorithms, filters
from mechanics.regression.held_out import sensitivities
from mechanics.regression.laws.risk import optimal_step_size
from mechanics.tables.regression import filter_distances

D = 4
STEPS = [0.3, 0.9]


def prompts_of(k: int, n_prompts: int = 64):
    return draw_prompts(D, k, n_prompts, n_queries=3)


def of(predictor, k: int, n_bins: int):
    prompts = prompts_of(k)
    along = filters.directions(prompts, n_bins)
    return *filters.spectral_filter(sensitivities(predictor, prompts), along), along


@pytest.mark.parametrize("k", [2, 4, 12])
def test_gradient_steps_are_their_polynomial(k):
    n_directions = 64 * min(k, D)  # a bin for each: f is then exact
    steps = partial(algorithms.gradient_descent, step_sizes=STEPS)
    f, unexplained, along = of(steps, k, n_directions)
    s = filters.binned(along.eigenvalues, along)
    torch.testing.assert_close(f, 1 - (1 - STEPS[0] * s) * (1 - STEPS[1] * s))
    assert unexplained == pytest.approx(0, abs=1e-9)


def test_ridge_is_its_filter_and_its_penalty_is_found():
    f, _, along = of(partial(algorithms.ridge, penalty=0.6), 6, 5)
    torch.testing.assert_close(f, filters.ridge_filter(0.1, along))
    g = sensitivities(partial(algorithms.ridge, penalty=0.6), prompts_of(6))
    assert filters.fitted_penalty(g, along) == pytest.approx(0.1, rel=1e-3)


def test_least_squares_keeps_all_that_is_determined_and_neighbours_nothing_smoothly():
    f, unexplained, _ = of(algorithms.ordinary_least_squares, 3, 4)
    torch.testing.assert_close(f, torch.ones_like(f))
    assert unexplained == pytest.approx(0, abs=1e-9)
    f, unexplained, _ = of(partial(algorithms.nearest_neighbours, n_neighbours=2), 12, 4)
    assert not f.any() and unexplained == 0


def test_what_no_filter_explains_is_counted():
    prompts = prompts_of(12, 4096)
    w = torch.linalg.lstsq(prompts.x[0], prompts.y[0, ..., None]).solution[..., 0]
    stray = torch.randn(w.shape, dtype=w.dtype, generator=torch.Generator().manual_seed(1))
    g = (w + 0.5 * stray)[:, None].expand(-1, 3, -1)
    f, unexplained = filters.spectral_filter(g, filters.directions(prompts))
    assert f == pytest.approx(torch.ones(len(f)), abs=0.06)
    assert unexplained == pytest.approx(0.25 / 1.25, abs=0.01)


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_a_layer_that_is_one_step_has_the_filter_of_one_step(noise):
    settings = regression_settings(noise=noise)
    best = optimal_step_size(settings["d"], range(settings["k_min"], settings["k_max"] + 1), noise)
    network = regression_network(settings, one_step(settings["d"], best))
    found = filter_distances(filters.filters([network], held_out(settings)), ["k", "seed"])
    assert set(found["k"]) == {4, 8} and (found["unexplained"].abs() < 1e-3).all()
    distances = found.groupby("algorithm")["distance"].max()
    assert distances["one-step GD"] < 1e-5 < distances.drop("one-step GD").min()
