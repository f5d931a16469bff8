"""Spectra have the exact moments, for a mixture of lengths and where data are missing."""

import pytest
import torch

from mechanics.regression.laws.spectrum import Spectrum, density_spectrum, expected_spectrum
from mechanics.regression.laws.wishart import wishart_moment


def generator():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("lengths", [[20], [5, 10, 30]])
def test_expected_spectrum_has_the_exact_moments(lengths):
    spectrum = expected_spectrum(10, lengths, 13)
    for order in range(14):
        expected = sum(wishart_moment(order, 10, k) for k in lengths) / len(lengths)
        assert spectrum.mean(spectrum.eigenvalues**order) == pytest.approx(float(expected))


@pytest.mark.parametrize(("d", "k"), [(6, 6), (6, 15), (6, 3), (1, 4)])
def test_density_spectrum_has_the_exact_moments(d, k):
    spectrum = density_spectrum(d, [k], 2000, generator())
    for order in (0, 1, 2, 8):
        expected = float(wishart_moment(order, d, k))
        assert spectrum.mean(spectrum.eigenvalues**order) == pytest.approx(expected, rel=0.03)


def test_density_spectrum_of_one_dimension_is_chi_square():
    spectrum = density_spectrum(1, [5], 1, generator())
    below = spectrum.weights[spectrum.eigenvalues < 1.0].sum().item()
    assert below == pytest.approx(
        torch.special.gammainc(*torch.tensor([2.5, 2.5])).item(), abs=0.01
    )


def test_density_spectrum_knows_the_directions_without_data():
    spectrum = density_spectrum(10, [4], 10, generator())
    assert spectrum.weights[spectrum.eigenvalues == 0].sum().item() == pytest.approx(0.6)


def test_the_tail_is_what_is_largest():
    weights = torch.tensor([0.4, 0.1, 0.3, 0.2])
    kept = Spectrum(torch.tensor([1.0, 9.0, 2.0, 5.0]), weights, weights).without_tail(0.25)
    assert sorted(kept.eigenvalues.tolist()) == [1.0, 2.0, 5.0]


def test_a_density_over_zero_tokens_is_that_of_smaller_eigenvalues():
    plain, divided = (density_spectrum(3, [4], 10, generator(), n) for n in (0, 4))
    torch.testing.assert_close(2 * divided.eigenvalues, plain.eigenvalues)


def test_a_spectrum_without_lengths_is_refused():
    with pytest.raises(ValueError, match="without context lengths"):
        expected_spectrum(3, [], 2)


def test_a_spectrum_of_negative_degree_is_refused():
    with pytest.raises(ValueError, match="degree -1"):
        expected_spectrum(3, [4], -1)


def test_determinants_beyond_float64_are_refused():
    with pytest.raises(ValueError, match="must be ≤ 50"):
        density_spectrum(60, [60], 1, generator())
