"""Judging, ablations and formulas, in logits and networks whose frequencies are known."""

import math

import pytest
import torch
from clock_network import PIZZA_THRESHOLDS, clock_network, memorised_logits, planted_logits
from helpers import normal

from mechanics.addition import ablation
from mechanics.addition.ablation import (
    excluded_logits,
    formula_answers,
    formula_over_all,
    judge,
    restricted_logits,
)
from mechanics.addition.activations import addition_activations
from mechanics.addition.fourier import (
    fitted_amplitudes,
    frequencies,
    key_frequencies,
    sum_spectrum,
)
from mechanics.addition.identities import clock_and_pizza_fve, logit_identities
from mechanics.addition.pairs import all_pairs, targets, training_mask
from mechanics.addition.phase_law import sum_waves
from mechanics.models import addition

P, KEYS = 13, {2: 5.0, 6: 3.0}  # the last frequency, too
EVERY = dict.fromkeys(range(1, 7), 1.0)


def same(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=1e-10, rtol=0)


@pytest.mark.parametrize(
    ("p", "keys", "changes"),
    [
        (13, (2, 5), {}),
        (13, (2, 5, 6), {"thresholds": PIZZA_THRESHOLDS}),
        (59, (4, 17, 29), {"d_model": 20}),
    ],
)
def test_a_network_built_by_hand_adds_with_exactly_its_frequencies(p, keys, changes):
    parameters, architecture = clock_network(p, keys, **changes)
    shapes = addition.parameter_shapes(architecture, p)
    assert {n: tuple(t.shape[1:]) for n, t in parameters.items()} == shapes
    found = addition_activations(parameters, architecture)
    assert (found.logits.argmax(-1) == targets(all_pairs(p), p)).all()
    spectrum = sum_spectrum(found.logits)
    assert (spectrum > 1e-20).nonzero()[:, 0].tolist() == [k - 1 for k in keys]
    if "thresholds" not in changes:  # a clock: hardly anything depends on a − b
        assert spectrum.sum() > 0.99


def mean_loss(logits: torch.Tensor, mask: torch.Tensor | slice = slice(None)) -> float:
    return float(judge(logits).loss[mask].mean())


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


def test_fitted_amplitudes_are_the_planted_ones():
    logits, other = planted_logits(P, KEYS), normal(P * P, P)
    expected = torch.tensor([KEYS.get(k, 0.0) for k in frequencies(P)], dtype=torch.float64)
    same(fitted_amplitudes(logits + 3.0), expected)
    same(fitted_amplitudes(logits + other), expected + fitted_amplitudes(other))


@pytest.mark.parametrize(("p", "amplitudes"), [(P, KEYS), (12, KEYS), (P, EVERY)])
def test_formula_answers_as_its_logits_do(p, amplitudes):
    logits = planted_logits(p, amplitudes)
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
    logits, power = (
        planted_logits(12, {2: 5.0, 5: 2.0, 6: 3.0}),
        torch.tensor([12.5, 2, 9]).double(),
    )
    same(fitted_amplitudes(logits), torch.tensor([0, 5, 0, 0, 2, 3]).double())
    same(sum_spectrum(logits)[[1, 4, 5]], power / power.sum())
    same(restricted_logits(logits, [6]), planted_logits(12, {6: 3.0}))
    same(excluded_logits(logits, [6, 5]), planted_logits(12, {2: 5.0}))
    assert [i["alpha"] for i in logit_identities(logits, [2, 6])] == pytest.approx([5, 3])
    assert [sum_waves(logits, k)[0] for k in (2, 6)] == pytest.approx([5, 3])
    assert clock_and_pizza_fve(planted_logits(12, {6: 3.0}), 6)[0] == pytest.approx(1)


def test_random_sets_are_seeded_and_of_the_candidates():
    sets, again = (
        ablation.random_sets([1, 4, 5, 6], 2, 20, torch.Generator().manual_seed(1))
        for _ in range(2)
    )
    assert sets == again
    assert {k for chosen in sets for k in chosen} == {1, 4, 5, 6}
    assert all(len(set(chosen)) == 2 for chosen in sets)
    assert ablation.random_sets([1, 4], 3, 20, torch.Generator()) == []  # more than there are


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
    assert judge(logits).over(mask)["accuracy"] == 1
    assert judge(logits).over(~mask)["accuracy"] < 0.05
    everything = judge(restricted_logits(logits, list(frequencies(p))))
    assert everything.over(~mask)["accuracy"] == 1
    restricted, excluded = restricted_logits(logits, keys), excluded_logits(logits, keys)
    assert judge(restricted).over(~mask)["accuracy"] > 0.3
    each = 0.3 * margin * 2 / p  # 2/p of a peak at a + b = c lies in each frequency
    assert float(fitted_amplitudes(logits).mean()) == pytest.approx(each, rel=0.01)
    expected = mean_loss(planted_logits(p, dict.fromkeys(keys, each)))
    assert mean_loss(restricted) == pytest.approx(expected, abs=0.02)
    assert mean_loss(restricted) > 0.8 * math.log(p)
    assert mean_loss(excluded, mask) == pytest.approx(mean_loss(logits, mask), abs=0.01)
    lost = len(keys) * each  # of the logit of each right answer
    assert mean_loss(excluded, ~mask) - mean_loss(logits, ~mask) == pytest.approx(lost, abs=0.05)
    assert sum_spectrum(logits)[[k - 1 for k in keys]].sum() < 0.1


def test_random_logits_carry_nothing():
    """A frequency holds some 2/p² of logits without structure, so the loss hardly moves."""
    p = 59
    logits = normal(p * p, p)
    assert mean_loss(restricted_logits(logits, [4, 17, 29])) == pytest.approx(math.log(p), abs=0.02)
    full = judge(logits).over_all()
    for k in (1, 17, 29):
        without = judge(excluded_logits(logits, [k])).over_all()
        assert without["loss"] == pytest.approx(full["loss"], rel=0.01)
        assert without["accuracy"] == pytest.approx(full["accuracy"], abs=0.01)
