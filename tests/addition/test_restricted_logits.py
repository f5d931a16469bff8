"""Logits restricted to key frequencies or without them, where their parts are known."""

import math
from collections.abc import Sequence

import pytest
import torch
from clock_network import memorised_logits, noise, planted_logits

from mechanics.addition.ablation import (
    excluded_logits,
    judge,
    restricted_logits,
)
from mechanics.addition.fourier import (
    fitted_amplitudes,
    frequencies,
    key_frequencies,
    sum_spectrum,
)
from mechanics.addition.pairs import all_pairs, training_mask

P, KEYS = 13, (2, 6)  # the last one, too


def pair_losses(logits: torch.Tensor) -> torch.Tensor:
    return judge(logits).loss


def logit_fve(logits: torch.Tensor, keys: Sequence[int]) -> float:
    return float(sum_spectrum(logits)[[k - 1 for k in keys]].sum())


def same(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=1e-10, rtol=0)


@pytest.mark.parametrize("function", [torch.cos, torch.sin])
def test_planted_waves_are_kept_by_restriction_and_taken_by_exclusion(function):
    kept = planted_logits(P, dict.fromkeys(KEYS, 3.0), function)
    constant = noise(1, P)
    a, b = all_pairs(P).double().T
    of_difference = torch.cos(2 * torch.pi * 2 / P * (a - b))[:, None] * constant
    logits = kept + planted_logits(P, {4: 2.0}, function) + of_difference + constant
    same(restricted_logits(logits, KEYS), kept + constant)
    same(excluded_logits(logits, KEYS), logits - kept)
    same(excluded_logits(logits, [6]), logits - planted_logits(P, {6: 3.0}, function))
    assert pair_losses(excluded_logits(kept, KEYS)).tolist() == pytest.approx([math.log(P)] * P**2)


def test_logit_fve_is_the_share_of_the_planted_cosines():
    logits = planted_logits(P, {2: 3.0, 6: 1.0}) + planted_logits(P, {4: 2.0}, torch.sin)
    assert logit_fve(logits, [2]) == pytest.approx(9 / 14, abs=1e-10)
    assert logit_fve(logits, KEYS) == pytest.approx(10 / 14, abs=1e-10)  # a sine is none
    assert logit_fve(logits + 7 * noise(P**2, 1), KEYS) == pytest.approx(10 / 14, abs=1e-10)


def test_restriction_takes_the_noise_from_a_clock():
    logits = planted_logits(P, dict.fromkeys(KEYS, 5.0)) + 4 * noise(P * P, P)
    full, restricted = pair_losses(logits).mean(), pair_losses(restricted_logits(logits, KEYS))
    assert restricted.mean() < 0.5 * full
    assert pair_losses(excluded_logits(logits, KEYS)).mean() > math.log(P)


def test_memorised_network_has_only_its_share_of_the_table_at_any_keys():
    """Knowing 30 % of the answers with a margin of 20 is, for all pairs alike, one of 6.

    So all frequencies together answer what the network does not know, and three do in part.
    """
    p, keys, margin = 59, [4, 17, 29], 20.0
    mask = training_mask(p, 0.3, 0)
    logits = memorised_logits(p, mask, 0, margin)
    assert key_frequencies(sum_spectrum(logits)) == []
    assert judge(logits).over(mask)["accuracy"] == 1
    assert judge(logits).over(~mask)["accuracy"] < 0.05
    everything = judge(restricted_logits(logits, list(frequencies(p))))
    assert everything.over(~mask)["accuracy"] == 1
    assert judge(restricted_logits(logits, keys)).over(~mask)["accuracy"] > 0.3
    each = 0.3 * margin * 2 / p  # 2/p of a peak at a + b = c lies in each frequency
    assert float(fitted_amplitudes(logits).mean()) == pytest.approx(each, rel=0.01)
    expected = pair_losses(planted_logits(p, dict.fromkeys(keys, each)))
    restricted = pair_losses(restricted_logits(logits, keys))
    assert restricted.mean() == pytest.approx(float(expected.mean()), abs=0.02)
    assert restricted.mean() > 0.8 * math.log(p)
    full, excluded = pair_losses(logits), pair_losses(excluded_logits(logits, keys))
    assert excluded[mask].mean() == pytest.approx(float(full[mask].mean()), abs=0.01)
    lost = len(keys) * each  # of the logit of each right answer
    assert excluded[~mask].mean() - full[~mask].mean() == pytest.approx(lost, abs=0.05)
    assert logit_fve(logits, keys) < 0.1


def test_random_logits_carry_nothing():
    """A frequency holds some 2/p² of logits without structure, so the loss hardly moves."""
    p = 59
    logits = noise(p * p, p)
    assert logit_fve(logits, [4, 17, 29]) < 20 * 3 / p**2
    restricted = pair_losses(restricted_logits(logits, [4, 17, 29])).mean()
    assert restricted == pytest.approx(math.log(p), abs=0.02)
    full = judge(logits).over_all()
    for k in (1, 17, 29):
        without = judge(excluded_logits(logits, [k])).over_all()
        assert without["loss"] == pytest.approx(full["loss"], rel=0.01)
        assert without["accuracy"] == pytest.approx(full["accuracy"], abs=0.01)
