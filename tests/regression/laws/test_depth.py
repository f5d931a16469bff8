"""The laws of depth: against Monte Carlo, against each other, and the bracket they form."""

import pytest
import torch
from monte_carlo import assert_risk, draw_prompts

from mechanics.regression.algorithms import gd_plus_plus, gradient_descent, ridge
from mechanics.regression.laws import depth
from mechanics.regression.laws.risk import least_squares_risk, optimal_step_size
from mechanics.regression.laws.spectrum import density_spectrum, expected_spectrum, wishart_moment
from mechanics.regression.references import N_STARTS

D, K = 10, 20


def density_of(d: int, k: int, n_matrices: int):
    return density_spectrum(d, k, n_matrices, torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("k", "noise"), [(4, 0.5), (12, 0.0)])
def test_risk_of_gradient_descent_and_of_ridge(k, noise):
    prompts, steps = draw_prompts(5, k, n_prompts=20_000, noise=noise), [0.2, 0.4, 0.6]
    expected = depth.gradient_descent_risk(steps, expected_spectrum(5, [k], 6), noise)
    assert_risk(gradient_descent(prompts, steps), prompts, expected)
    few, density = prompts.part(slice(5_000)), density_of(5, k, 5_000)
    assert_risk(ridge(few, 0.8), few, depth.ridge_risk(0.8, k, density, noise))


def test_risk_of_gd_plus_plus():
    prompts = draw_prompts(5, 30, n_prompts=20_000)
    expected = depth.gd_plus_plus_risk([0.3, 1.5], [0.3], expected_spectrum(5, [30], 8))
    assert_risk(gd_plus_plus(prompts, [0.3, 1.5], [0.3]), prompts, expected)


@pytest.mark.parametrize(("n_steps", "expected"), [(1, 0.3548), (2, 0.1684), (3, 0.0913)])
def test_free_steps_reach_the_optimum_of_their_moments(n_steps, expected):
    """r = 1 − bᵀM⁻¹b, as long as M can be solved in float64."""
    moments = [float(wishart_moment(order, D, K)) for order in range(2 * n_steps + 1)]
    orders = range(1, n_steps + 1)
    right = torch.tensor([moments[i] for i in orders], dtype=torch.float64)
    matrix = torch.tensor([[moments[i + j] for i in orders] for j in orders], dtype=torch.float64)
    by_moments = 1 - (right @ torch.linalg.solve(matrix, right)).item()
    assert by_moments == pytest.approx(expected, abs=5e-5)
    spectrum = expected_spectrum(D, [K], 2 * n_steps)
    assert depth.polynomial_floor(n_steps, spectrum) == pytest.approx(by_moments, abs=1e-10)


@pytest.mark.parametrize("lengths", [[K], [4], [5, 20, 50]])
@pytest.mark.parametrize("n_steps", [1, 2, 3, 6])
def test_free_step_sizes_reach_the_floor_of_their_degree(n_steps, lengths):
    spectrum = expected_spectrum(D, lengths, 2 * n_steps)
    steps, floor = (
        depth.optimal_step_sizes(n_steps, spectrum),
        depth.polynomial_floor(n_steps, spectrum),
    )
    assert min(steps) > 0
    assert depth.gradient_descent_risk(steps, spectrum) == pytest.approx(floor, abs=1e-12)


def test_with_noise_steps_reach_their_floor_and_more_of_them_ridge():
    k, noise = 60, 0.25
    spectrum = expected_spectrum(D, [k], 26)
    for n_steps in (1, 2, 3):
        steps = depth.optimal_step_sizes(n_steps, spectrum, noise)
        free = depth.gradient_descent_risk(steps, spectrum, noise)
        assert free == pytest.approx(depth.polynomial_floor(n_steps, spectrum, noise), rel=1e-5)
        tied = depth.optimal_tied_step_size(n_steps, spectrum, noise)
        assert depth.gradient_descent_risk([tied] * n_steps, spectrum, noise) >= free * (1 - 1e-9)
        if n_steps == 1:
            both = [optimal_step_size(D, [k], noise)] * 2
            assert (tied, 1 - free) == pytest.approx(both, rel=1e-5)
    by_density = depth.ridge_risk(noise, k, density_of(D, k, 4000), noise)
    assert depth.polynomial_floor(12, spectrum, noise) == pytest.approx(by_density, rel=0.02)


@pytest.mark.parametrize("lengths", [[K], [5, 20, 50]])
def test_the_tied_step_size_is_a_minimum(lengths):
    spectrum = expected_spectrum(D, lengths, 6)
    best = depth.optimal_tied_step_size(3, spectrum)
    least, *beside = (
        depth.gradient_descent_risk([step] * 3, spectrum)
        for step in (best, best - 0.01, best + 0.01)
    )
    assert least < min(beside)


def test_three_layers_of_gd_plus_plus_have_the_lowest_minimum_of_400_random_starts():
    spectrum = expected_spectrum(D, range(5, 51), 26)
    found = depth.optimal_gd_plus_plus(3, spectrum, N_STARTS)
    assert depth.gd_plus_plus_risk(*found, spectrum) == pytest.approx(0.053216194, abs=1e-9)


def test_two_layers_of_gd_plus_plus_come_close_to_their_floor():
    spectrum = expected_spectrum(D, [K], 8)
    found = depth.gd_plus_plus_risk(*depth.optimal_gd_plus_plus(2, spectrum), spectrum)
    assert found == pytest.approx(0.0536, abs=5e-5)
    assert depth.polynomial_floor(4, spectrum) == pytest.approx(0.0532, abs=5e-5)


@pytest.mark.parametrize("k", [10, 20])
def test_the_density_gives_the_floors_of_the_exact_moments(k):
    exact, density = expected_spectrum(D, [k], 26), density_of(D, k, 4000)
    for degree in (1, 6, 13):  # 8 %: 4 standard errors at k = d, where determinants vary most
        floor = depth.polynomial_floor(degree, exact)
        assert depth.polynomial_floor(degree, density) == pytest.approx(floor, rel=0.08)


def test_floors_of_high_degree_fall_to_least_squares():
    density = density_of(D, 5, 500)
    floors = [depth.polynomial_floor(degree, density) for degree in (13, 40, 364)]
    assert floors == sorted(floors, reverse=True)
    assert floors[-1] == pytest.approx(least_squares_risk(D, 5), abs=1e-5)


def test_a_spectrum_of_too_few_nodes_has_no_floor():
    with pytest.raises(ValueError, match="2 eigenvalues cannot"):
        depth.polynomial_floor(2, expected_spectrum(D, [K], 2))
