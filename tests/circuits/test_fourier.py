"""The spectrum of the sum, on logits whose answer is known by construction."""

import pytest
import torch

from mechanics.circuits.fourier import frequencies, n_frequencies_for, sum_spectrum
from mechanics.tasks.modular_addition import all_pairs

P = 13


def planted(*waves: tuple[int, float]) -> torch.Tensor:
    """Logits Σ amplitude · cos ω_k (a + b − c)."""
    a, b = all_pairs(P).double().T
    n = a[:, None] + b[:, None] - torch.arange(P)
    return sum(size * torch.cos(2 * torch.pi * k * n / P) for k, size in waves)


def test_last_frequency_is_included():
    assert frequencies(113)[-1] == 56


@pytest.mark.parametrize("k", [1, 4, 6])
def test_one_planted_wave_carries_all(k):
    spectrum = sum_spectrum(planted((k, 2.5)))
    expected = torch.zeros(6, dtype=torch.float64)
    expected[k - 1] = 1
    torch.testing.assert_close(spectrum, expected, atol=1e-10, rtol=0)


def test_two_waves_share_by_the_square_of_their_sizes():
    spectrum = sum_spectrum(planted((2, 1.0), (5, 3.0)))
    torch.testing.assert_close(spectrum[[1, 4]], torch.tensor([0.1, 0.9]).double())


def test_random_logits_have_a_flat_and_nearly_empty_spectrum():
    logits = torch.randn(P * P, P, generator=torch.Generator().manual_seed(0))
    assert sum_spectrum(logits).max() < 20 / P**3


def test_shift_of_all_logits_of_a_pair_does_not_count():
    logits = planted((3, 1.0)) + torch.randn(P * P, 1, dtype=torch.float64)
    assert sum_spectrum(logits)[2].item() == pytest.approx(1.0, abs=1e-10)


def test_number_of_frequencies_that_reach_a_share():
    spectrum = torch.tensor([0.1, 0.6, 0.25])
    assert n_frequencies_for(spectrum, 0.8) == 2
    assert n_frequencies_for(spectrum, 0.99) is None
