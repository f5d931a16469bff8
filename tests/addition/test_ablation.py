"""Judging, ablations and formulas, in logits and networks whose frequencies are known."""

import math

import pytest
import torch
from clock_network import memorised_logits, planted_logits
from helpers import normal

from mechanics.addition.ablation import (
    excluded_logits,
    formula_answers,
    formula_over_all,
    judge,
    random_sets,
    restricted_logits,
)
from mechanics.addition.fourier import fitted_amplitudes, frequencies, key_frequencies, sum_spectrum
from mechanics.addition.identities import clock_and_pizza_fve, logit_identities
from mechanics.addition.pairs import all_pairs, training_mask
from mechanics.addition.phase_law import sum_waves

P, KEYS = 13, {2: 5.0, 6: 3.0}  # the last frequency, too


def same(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=1e-10, rtol=0)


def test_judge_counts_by_hand():
    logits = torch.zeros(9, 3, dtype=torch.float64)
    logits[0, 0] = math.log(2.0)  # (0, 0): 0, right, probability 1/2
    logits[1, 2] = math.log(2.0)  # (0, 1): 1, answered 2, probability 1/4
    answers = judge(logits)
    two = torch.arange(9) < 2
    assert answers.over(two) == pytest.approx({"loss": 1.5 * math.log(2), "accuracy": 0.5})
    assert answers.over_all()["min_margin"] == pytest.approx(-math.log(2))
    assert answers.over_all()["accuracy"] == pytest.approx(1 / 9)  # a tie is no answer
    assert math.isnan(answers.over(~two & two)["loss"])
    assert all(math.isnan(value) for value in judge(logits * math.nan).over_all().values())


@pytest.mark.parametrize("p", [P, 12])
def test_formula_answers_as_its_logits_do(p):
    logits = planted_logits(p, KEYS)
    found = formula_over_all(*formula_answers(fitted_amplitudes(logits), p))
    assert found == pytest.approx(judge(logits).over_all(), abs=1e-10)


def test_one_frequency_suffices_with_a_tiny_margin():
    """The margin of one is α (1 − cos(2π/p)), whichever it is."""
    each = torch.eye(len(frequencies(P)), dtype=torch.float64)
    _, margin = formula_answers(2.0 * each, P)
    same(margin, torch.full_like(margin, 2 * (1 - math.cos(2 * math.pi / P))))
    nothing = formula_over_all(*formula_answers(torch.zeros(len(each)).double(), P))
    assert nothing["accuracy"] == 0
    assert nothing["loss"] == pytest.approx(math.log(P))


def test_the_last_frequency_of_an_even_p_has_one_wave():
    """The exponents of a multiplication have an even p."""
    logits = planted_logits(12, {2: 5.0, 5: 2.0, 6: 3.0})
    power = torch.tensor([12.5, 2, 9]).double()
    same(fitted_amplitudes(logits), torch.tensor([0, 5, 0, 0, 2, 3]).double())
    same(sum_spectrum(logits)[[1, 4, 5]], power / power.sum())
    same(restricted_logits(logits, [6]), planted_logits(12, {6: 3.0}))
    same(excluded_logits(logits, [6, 5]), planted_logits(12, {2: 5.0}))
    assert [i["alpha"] for i in logit_identities(logits, [2, 6])] == pytest.approx([5, 3])
    assert [sum_waves(logits, k)[0] for k in (2, 6)] == pytest.approx([5, 3])
    assert clock_and_pizza_fve(planted_logits(12, {6: 3.0}), 6)[0] == pytest.approx(1)


def test_random_sets_are_seeded_and_of_the_candidates():
    sets, again = (
        random_sets([1, 4, 5, 6], 2, 20, torch.Generator().manual_seed(1)) for _ in range(2)
    )
    assert sets == again
    assert {k for chosen in sets for k in chosen} == {1, 4, 5, 6}
    assert all(len(set(chosen)) == 2 for chosen in sets)
    assert random_sets([1, 4], 3, 20, torch.Generator()) == []  # more than there are


@pytest.mark.parametrize("function", [torch.cos, torch.sin])
def test_planted_waves_are_kept_by_restriction_and_taken_by_exclusion(function):
    kept, constant, keys = planted_logits(P, KEYS, function), normal(1, P), [*KEYS]
    a, b = all_pairs(P).double().T
    of_difference = torch.cos(2 * torch.pi * 2 / P * (a - b))[:, None] * constant
    logits = kept + planted_logits(P, {4: 2.0}, function) + of_difference + constant
    same(restricted_logits(logits, keys), kept + constant)
    same(excluded_logits(logits, keys), logits - kept)
    same(excluded_logits(logits, [6]), logits - planted_logits(P, {6: 3.0}, function))
    guessing = torch.full((P**2,), math.log(P), dtype=torch.float64)
    same(judge(excluded_logits(kept, keys)).loss, guessing)


def test_memorised_network_has_only_its_share_of_the_table_at_any_keys():
    """Knowing 30 % of the answers with a margin of 20 is, for all pairs alike, one of 6.

    So all frequencies together answer what the network does not know, and three do in part.
    """
    p, keys, margin = 59, [4, 17, 29], 20.0
    mask = training_mask(p, 0.3, 0)
    logits = memorised_logits(p, mask, 0, margin)
    assert key_frequencies(sum_spectrum(logits)) == []
    assert judge(logits).over(~mask)["accuracy"] < 0.05
    everything = judge(restricted_logits(logits, list(frequencies(p))))
    assert everything.over(~mask)["accuracy"] == 1
    restricted, excluded = (judge(f(logits, keys)) for f in (restricted_logits, excluded_logits))
    assert restricted.over(~mask)["accuracy"] > 0.3
    each = 0.3 * margin * 2 / p  # 2/p of a peak at a + b = c lies in each frequency
    expected = judge(planted_logits(p, dict.fromkeys(keys, each))).over_all()["loss"]
    assert restricted.over_all()["loss"] == pytest.approx(expected, abs=0.02)
    lost = excluded.over(~mask)["loss"] - judge(logits).over(~mask)["loss"]
    assert lost == pytest.approx(len(keys) * each, abs=0.05)  # of the logit of each right answer
