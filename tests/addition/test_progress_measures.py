"""The progress measures, on logits whose parts are known."""

import math

import pandas as pd
import pytest
import torch
from clock_network import clock_network, memorised_logits, noise, planted_logits

from mechanics.addition.ablation import fitted_amplitudes, judge
from mechanics.addition.fourier import frequencies, key_frequencies, sum_spectrum
from mechanics.addition.pairs import all_pairs, training_mask
from mechanics.addition.progress_measures import (
    MATRICES,
    MOMENTS,
    change_points,
    excluded_logits,
    logit_fve,
    norms_squared,
    pair_losses,
    restricted_logits,
)

P, KEYS = 13, (2, 6)  # the last one, too
NAN = math.nan


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


def test_norms_add_up_and_name_their_matrices():
    parameters, _ = clock_network(P, KEYS)
    norms = norms_squared(parameters)
    total = norms.pop("norm_squared")
    assert total == pytest.approx(sum(norms.values()))
    assert total == pytest.approx(sum(float(t.square().sum()) for t in parameters.values()))
    assert list(norms) == [f"norm_squared_{matrix}" for matrix in (*MATRICES, "other")]
    assert norms["norm_squared_W_Q"] == 0
    assert norms["norm_squared_W_E"] == pytest.approx(P * len(KEYS))  # cos² + sin² each
    biases = parameters["blocks.0.mlp.b_in"].square().sum()
    assert norms["norm_squared_other"] == pytest.approx(float(biases))


def training(**changes) -> pd.DataFrame:
    """A training that memorises at 20, forms its circuit from 40 and groks at 80 (p = 113)."""
    columns = {
        "step": [0, 10, 20, 30, 40, 50, 60, 70, 80, 90],
        "accuracy_train": [0.0, 0.5, 0.995, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
        "accuracy_validation": [0.0, 0.0, 0.0, 0.0, 0.1, 0.2, 0.5, 0.97, 1.0, 1.0],
        "excluded_loss_train": [4.7, 0.01, 0.5, 0.3, 0.2, 0.4, 2.0, 6.0, 7.0, 6.5],
        "loss_validation": [4.7, 9.0, 12.0, 12.0, 11.0, 8.0, 4.0, 0.5, 0.1, 0.0],
        "norm_squared": [1700.0, 2e3, 2500.0, 2600.0, 2500.0, 2400.0, 2e3, 1e3, 500.0, 500.0],
    }
    return pd.DataFrame(columns | changes)


def test_change_points_are_found_by_their_rules():
    found = change_points(training(), 113, 0.99)
    assert tuple(found) == MOMENTS
    assert found["memorised_step"] == 20
    assert found["circuit_formation_step"] == 40  # not 10, before memorising
    assert found["cleanup_step"] == 60  # not 0, from which the loss does not stay below ln 113
    assert found["grokking_step"] == 80
    assert 70 < found["cleanup_end_step"] < 80


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"excluded_loss_train": 6.0}, {"circuit_formation_step"}),  # no rise was seen
        ({"excluded_loss_train": NAN}, {"circuit_formation_step"}),  # no key frequencies
        ({"excluded_loss_train": 0.1}, {"circuit_formation_step"}),
        ({"norm_squared": 1700.0}, {"cleanup_end_step"}),
        (
            {"accuracy_validation": 0.1, "loss_validation": 12.0, "excluded_loss_train": 0.1},
            set(MOMENTS) - {"memorised_step"},  # never grokked
        ),
        (
            dict.fromkeys([c for c in training() if c != "step"], NAN),  # diverged from the start
            set(MOMENTS),
        ),
    ],
)
def test_what_never_happened_has_no_step(changes, missing):
    found = change_points(training(**changes), 113, 0.99)
    assert {name for name, step in found.items() if math.isnan(step)} == missing


@pytest.mark.parametrize("row", [0, 9])
def test_single_checkpoint_has_no_fall_of_the_norm(row):
    found = change_points(training().iloc[[row]], 113, 0.99)
    assert math.isnan(found["cleanup_end_step"])
    assert math.isnan(found["grokking_step"]) == (row == 0)
