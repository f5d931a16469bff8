"""The spectrum of the sum, on logits whose answer is known by construction."""

import pytest
import torch

from mechanics.addition.fourier import (
    along_sum,
    effective_rank,
    fourier_basis,
    frequencies,
    frequency_shares,
    gini,
    harmonics,
    key_frequencies,
    n_frequencies_for,
    sum_spectrum,
    waves,
)
from mechanics.addition.pairs import all_pairs

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


def test_an_even_p_has_a_last_frequency_without_a_sine():
    basis = fourier_basis(12)
    torch.testing.assert_close(basis.T @ basis, torch.eye(12).double(), atol=1e-12, rtol=0)
    assert len(waves(12, frequencies(12))) == 11
    assert not basis[-1].any()
    alternating = (-1.0) ** torch.arange(12).double()
    assert frequency_shares(alternating[:, None]).tolist() == pytest.approx([0] * 5 + [1])
    assert harmonics([3, 6], 12) == []


@pytest.mark.parametrize("p", [3, 13, 113])
def test_basis_is_orthonormal_and_ends_with_the_last_frequency(p):
    basis = fourier_basis(p)
    torch.testing.assert_close(basis @ basis.T, torch.eye(p).double(), atol=1e-12, rtol=0)
    last = torch.sin(2 * torch.pi * (p // 2) * torch.arange(p).double() / p)
    torch.testing.assert_close(basis[-1], last * (2 / p) ** 0.5, atol=1e-10, rtol=0)


def test_planted_waves_are_the_key_frequencies():
    t = torch.arange(113).double()[:, None]
    phases = torch.rand(20, generator=torch.Generator().manual_seed(0)).double()
    waves = sum(torch.cos(2 * torch.pi * k * t / 113 + 6 * phases) for k in (3, 56))
    noise = torch.randn(113, 20, generator=torch.Generator().manual_seed(1)).double()
    shares = frequency_shares(5.0 + waves + 0.1 * noise)
    assert key_frequencies(shares) == [3, 56]
    assert shares.sum().item() == pytest.approx(1)


def test_random_and_constant_matrices_have_no_key_frequency():
    for seed in range(20):
        random = torch.randn(113, 128, generator=torch.Generator().manual_seed(seed))
        assert key_frequencies(frequency_shares(random)) == []
    assert key_frequencies(frequency_shares(torch.ones(113, 4))) == []


def test_gini_of_a_flat_and_of_a_single_spectrum():
    assert gini(torch.ones(56)) == pytest.approx(0, abs=1e-12)
    assert gini(torch.eye(56)[0]) == pytest.approx(1 - 1 / 56)


def test_effective_rank_counts_equal_directions():
    assert effective_rank(torch.eye(5)[:, :3]) == pytest.approx(3)
    assert effective_rank(torch.ones(4, 6)) == pytest.approx(1)


@pytest.mark.parametrize(("p", "keys"), [(13, [1, 6]), (59, [29, 3, 14])])
def test_projection_along_the_sum_keeps_its_waves_and_no_other(p, keys):
    a, b = all_pairs(p).double().T
    chosen = sum(torch.cos(2 * torch.pi * k * (a + b) / p + k) for k in keys)
    others = torch.cos(2 * torch.pi * 2 * (a + b) / p) + torch.cos(2 * torch.pi * keys[0] * a / p)
    found = along_sum((chosen + others + 1.0)[:, None], keys, p)[:, 0]
    torch.testing.assert_close(found, chosen, atol=1e-10, rtol=0)


def test_frequency_that_p_does_not_have_is_refused():
    with pytest.raises(ValueError, match=r"frequencies \[7\]: expected 1 … 6"):
        waves(13, [7])
