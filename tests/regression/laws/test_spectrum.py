"""Moments of S = XᵀX/k against formulas and the density of eigenvalues; spectra have them."""

from math import prod

import pytest
import torch

from mechanics.regression.laws.spectrum import (
    Spectrum,
    density_spectrum,
    expected_spectrum,
    wishart_moment,
)


def generator():
    return torch.Generator().manual_seed(0)


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


def test_moments_are_those_of_chi_square_in_one_dimension_and_of_the_transpose():
    for order in range(12):
        for k in (1, 4):
            expected = prod(k + 2 * i for i in range(order))
            assert wishart_moment(order, 1, k) * k**order == expected
    for order in range(1, 12):
        swapped = wishart_moment(order, 7, 4) * 7 * 4**order
        assert wishart_moment(order, 4, 7) * 4 * 7**order == swapped


def test_expected_spectrum_has_the_exact_moments():
    lengths = [5, 10, 30]
    spectrum = expected_spectrum(10, lengths, 13)
    for order in range(14):
        expected = sum(wishart_moment(order, 10, k) for k in lengths) / len(lengths)
        assert spectrum.mean(spectrum.eigenvalues**order) == pytest.approx(float(expected))


@pytest.mark.parametrize(("d", "k"), [(6, 6), (6, 15), (6, 3), (1, 4), (2, 3000)])
def test_density_spectrum_has_the_exact_moments_and_knows_directions_without_data(d, k):
    spectrum = density_spectrum(d, k, 2000 if k < 20 else 200, generator())
    for order in (0, 1, 2, 8):
        expected = float(wishart_moment(order, d, k))
        assert spectrum.mean(spectrum.eigenvalues**order) == pytest.approx(expected, rel=0.03)
    without = spectrum.weights[spectrum.eigenvalues == 0].sum().item()
    assert without == pytest.approx(max(0, 1 - k / d))


def test_the_tail_is_what_is_largest():
    weights = torch.tensor([0.4, 0.1, 0.3, 0.2])
    kept = Spectrum(torch.tensor([1.0, 9.0, 2.0, 5.0]), weights, weights).without_tail(0.25)
    assert sorted(kept.eigenvalues.tolist()) == [1.0, 2.0, 5.0]


def test_a_density_over_zero_tokens_is_that_of_smaller_eigenvalues():
    plain, divided = (density_spectrum(3, 4, 10, generator(), n) for n in (0, 4))
    torch.testing.assert_close(2 * divided.eigenvalues, plain.eigenvalues)
