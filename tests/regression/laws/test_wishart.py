"""Moments of S = XᵀX/k against formulas, special cases and Monte Carlo."""

from math import prod

import pytest
import torch
from monte_carlo import assert_within_error

from mechanics.regression.laws.wishart import wishart_moment


def generator():
    return torch.Generator().manual_seed(0)


def sampled_eigenvalues(d, k, n_matrices):
    x = torch.randn(n_matrices, k, d, dtype=torch.float64, generator=generator())
    return torch.linalg.eigvalsh(x.transpose(1, 2) @ x / k)


@pytest.mark.parametrize(("d", "k"), [(10, 20), (10, 5), (3, 3), (1, 1)])
def test_first_four_moments_have_their_known_formulas(d, k):
    numerators = [
        1,
        k,
        k * (k + d + 1),
        k * (k**2 + d**2 + 3 * k * d + 3 * k + 3 * d + 4),
        k * (k**3 + d**3 + 6 * k**2 * d + 6 * k * d**2 + 6 * k**2 + 6 * d**2)
        + k * (17 * k * d + 21 * k + 21 * d + 20),
    ]
    for order, numerator in enumerate(numerators):
        assert wishart_moment(order, d, k) * k**order == numerator


@pytest.mark.parametrize("k", [1, 4])
def test_one_dimension_has_the_moments_of_chi_square(k):
    for order in range(12):
        expected = prod(k + 2 * i for i in range(order))
        assert wishart_moment(order, 1, k) * k**order == expected


def test_moments_do_not_tell_x_from_its_transpose():
    for order in range(1, 12):
        swapped = wishart_moment(order, 7, 4) * 7 * 4**order
        assert wishart_moment(order, 4, 7) * 4 * 7**order == swapped


@pytest.mark.parametrize(("d", "k"), [(10, 20), (6, 3)])
def test_moments_agree_with_monte_carlo(d, k):
    eigenvalues = sampled_eigenvalues(d, k, 10_000)
    for order in range(1, 7):
        traces = (eigenvalues**order).mean(dim=1)
        assert_within_error(traces, float(wishart_moment(order, d, k)))


@pytest.mark.parametrize(("order", "d", "k"), [(-1, 3, 3), (2, 0, 3), (2, 3, 0)])
def test_moments_of_no_matrix_are_refused(order, d, k):
    with pytest.raises(ValueError, match="no moment"):
        wishart_moment(order, d, k)
