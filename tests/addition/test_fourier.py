"""The spectrum of the sum, on logits whose answer is known by construction."""

import pytest
import torch
from clock_network import planted_logits
from helpers import normal

from mechanics.addition import fourier

P = 13


def test_planted_cosines_share_by_the_square_of_their_sizes_and_noise_has_nothing():
    logits = planted_logits(P, {2: 1.0, 6: -3.0}) + planted_logits(P, {4: 2.0}, torch.sin)
    of_pairs = normal(P * P, 1)  # does not count, and a sine is no cosine
    shares = [0, 1 / 14, 0, 0, 0, 9 / 14]
    assert fourier.sum_spectrum(logits + 7 * of_pairs).tolist() == pytest.approx(shares, abs=1e-10)
    noise = fourier.sum_spectrum(normal(31**2, 31))
    assert noise.mean() == pytest.approx(1 / 31**3, rel=0.5)


def test_number_of_frequencies_that_reach_a_share_and_effective_rank():
    spectrum = torch.tensor([0.1, 0.6, 0.25])
    assert fourier.n_frequencies_for(spectrum, 0.8) == 2
    assert fourier.n_frequencies_for(spectrum, 0.99) is None
    assert fourier.effective_rank(torch.eye(5)[:, :3]) == pytest.approx(3)
    assert fourier.effective_rank(torch.ones(4, 6)) == pytest.approx(1)


def test_an_even_p_has_a_last_frequency_without_a_sine():
    every = fourier.project(torch.eye(12).double(), fourier.frequencies(12))
    assert torch.linalg.matrix_rank(every) == 11
    assert not fourier.fourier_basis(12)[-1].any()
    alternating = (-1.0) ** torch.arange(12).double()
    assert fourier.frequency_shares(alternating[:, None]).tolist() == pytest.approx([0] * 5 + [1])
    assert fourier.harmonics([3, 6], 12) == []


@pytest.mark.parametrize("p", [3, 12, 13])
def test_basis_is_orthonormal_and_ends_with_the_last_frequency(p):
    basis = fourier.fourier_basis(p)
    assert fourier.frequencies(p)[-1] == p // 2
    torch.testing.assert_close(basis.T @ basis, torch.eye(p).double(), atol=1e-12, rtol=0)
    last = torch.sin(2 * torch.pi * (p // 2) * torch.arange(p).double() / p)
    torch.testing.assert_close(basis[-1], last * (2 / p) ** 0.5, atol=1e-10, rtol=0)
    with pytest.raises(ValueError, match=rf"frequencies \[{p // 2 + 1}\]: expected 1 … {p // 2}"):
        fourier.project(torch.eye(p), [p // 2 + 1])


def test_planted_waves_are_the_key_frequencies_and_random_and_constant_matrices_have_none():
    t, phases = torch.arange(113).double()[:, None], normal(20)
    found = sum(torch.cos(2 * torch.pi * k * t / 113 + 6 * phases) for k in (3, 56))
    shares = fourier.frequency_shares(5.0 + found + 0.1 * normal(113, 20, seed=1))
    assert fourier.key_frequencies(shares) == [3, 56]
    assert shares.sum().item() == pytest.approx(1)
    for seed in range(20):
        assert fourier.key_frequencies(fourier.frequency_shares(normal(113, 128, seed=seed))) == []
    assert fourier.key_frequencies(fourier.frequency_shares(torch.ones(113, 4))) == []
