"""The laws of depth: against Monte Carlo, against each other, and the bracket they form."""

import pytest
import torch
from monte_carlo import assert_risk, draw_prompts

from mechanics.regression.algorithms import gd_plus_plus, gradient_descent, ridge
from mechanics.regression.laws.depth import (
    gd_plus_plus_risk,
    gradient_descent_risk,
    mixture_floors,
    optimal_gd_plus_plus,
    optimal_step_sizes,
    optimal_tied_step_size,
    polynomial_floor,
    ridge_risk,
)
from mechanics.regression.laws.risk import least_squares_risk, one_step_risk, optimal_step_size
from mechanics.regression.laws.spectrum import density_spectrum, expected_spectrum, wishart_moment

D, K = 10, 20


def density_of(d: int, k: int, n_matrices: int):
    return density_spectrum(d, k, n_matrices, torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("k", "noise"), [(4, 0.0), (12, 0.0), (4, 0.5), (12, 0.5)])
def test_risk_of_gradient_descent_and_of_ridge(k, noise):
    prompts, steps = draw_prompts(5, k, n_prompts=20_000, noise=noise), [0.2, 0.4, 0.6]
    expected = gradient_descent_risk(steps, expected_spectrum(5, [k], 6), noise)
    assert_risk(gradient_descent(prompts, steps), prompts, expected)
    few, density = prompts.part(slice(5_000)), density_of(5, k, 5_000)
    assert_risk(ridge(few, 0.8), few, ridge_risk(0.8, k, density, noise))


def test_risk_of_gd_plus_plus():
    prompts = draw_prompts(5, 30, n_prompts=20_000)
    expected = gd_plus_plus_risk([0.3, 1.5], [0.3], expected_spectrum(5, [30], 8))
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
    assert polynomial_floor(n_steps, spectrum) == pytest.approx(by_moments, abs=1e-10)


@pytest.mark.parametrize("lengths", [[K], [4], [5, 20, 50]])
@pytest.mark.parametrize("n_steps", [1, 2, 3, 6])
def test_free_step_sizes_reach_the_floor_of_their_degree(n_steps, lengths):
    spectrum = expected_spectrum(D, lengths, 2 * n_steps)
    steps, floor = optimal_step_sizes(n_steps, spectrum), polynomial_floor(n_steps, spectrum)
    assert min(steps) > 0
    assert gradient_descent_risk(steps, spectrum) == pytest.approx(floor, abs=1e-12)


@pytest.mark.parametrize("n_steps", [1, 2, 3])
def test_with_noise_steps_reach_their_floor_and_more_of_them_ridge(n_steps):
    k, noise = 60, 0.25
    spectrum = expected_spectrum(D, [k], 26)
    floor, bayes = (polynomial_floor(n, spectrum, noise) for n in (n_steps, 12))
    free = gradient_descent_risk(optimal_step_sizes(n_steps, spectrum, noise), spectrum, noise)
    tied = optimal_tied_step_size(n_steps, spectrum, noise)
    assert free == pytest.approx(floor, rel=1e-5)
    assert gradient_descent_risk([tied] * n_steps, spectrum, noise) >= free * (1 - 1e-9)
    if n_steps == 1:
        assert (tied, 1 - free) == pytest.approx([optimal_step_size(D, [k], noise)] * 2, rel=1e-5)
    by_density = ridge_risk(noise, k, density_of(D, k, 4000), noise)
    assert bayes == pytest.approx(by_density, rel=0.02)


def test_one_optimal_step_has_its_closed_form():
    lengths = range(5, 51)
    spectrum, expected = expected_spectrum(D, lengths, 2), optimal_step_size(D, lengths)
    assert optimal_step_sizes(1, spectrum) == pytest.approx([expected], abs=1e-12)
    assert optimal_tied_step_size(1, spectrum) == pytest.approx(expected, abs=1e-12)
    laws = [one_step_risk(expected, D, k) for k in lengths]
    mean = gradient_descent_risk([expected], spectrum)
    assert mean == pytest.approx(sum(laws) / len(lengths), abs=1e-12)
    floors = mixture_floors(1, [expected_spectrum(D, [k], 4) for k in lengths])
    assert floors == pytest.approx(laws, abs=1e-12)  # the best polynomial of degree one


@pytest.mark.parametrize("lengths", [[K], [5], [5, 20, 50]])
def test_the_bracket_is_in_order_and_the_tied_step_size_a_minimum(lengths):
    spectrum = expected_spectrum(D, lengths, 26)
    one_step = gradient_descent_risk(optimal_step_sizes(1, spectrum), spectrum)
    best = optimal_tied_step_size(3, spectrum)
    tied, *beside = (
        gradient_descent_risk([step] * 3, spectrum) for step in (best, best - 0.01, best + 0.01)
    )
    assert tied < min(beside)
    free = gradient_descent_risk(optimal_step_sizes(3, spectrum), spectrum)
    transformed = gd_plus_plus_risk(*optimal_gd_plus_plus(3, spectrum, n_starts=2), spectrum)
    floor = polynomial_floor(13, spectrum)
    least_squares = sum(least_squares_risk(D, k) for k in lengths) / len(lengths)
    assert one_step > tied > free > transformed > floor > least_squares


def test_two_layers_of_gd_plus_plus_come_close_to_their_floor():
    spectrum = expected_spectrum(D, [K], 8)
    found = gd_plus_plus_risk(*optimal_gd_plus_plus(2, spectrum), spectrum)
    assert found == pytest.approx(0.0536, abs=5e-5)
    assert polynomial_floor(4, spectrum) == pytest.approx(0.0532, abs=5e-5)


@pytest.mark.parametrize("k", [10, 20])
def test_the_density_gives_the_floors_of_the_exact_moments(k):
    exact, density = expected_spectrum(D, [k], 26), density_of(D, k, 4000)
    for degree in (1, 6, 13):  # 8 %: 4 standard errors at k = d, where determinants vary most
        floor = polynomial_floor(degree, exact)
        assert polynomial_floor(degree, density) == pytest.approx(floor, rel=0.08)


def test_floors_of_high_degree_fall_to_least_squares():
    density = density_of(D, 5, 500)
    floors = [polynomial_floor(degree, density) for degree in (13, 40, 364)]
    assert floors == sorted(floors, reverse=True)
    assert floors[-1] == pytest.approx(least_squares_risk(D, 5), abs=1e-5)


def test_a_spectrum_of_too_few_nodes_has_no_floor():
    with pytest.raises(ValueError, match="2 eigenvalues cannot"):
        polynomial_floor(2, expected_spectrum(D, [K], 2))
