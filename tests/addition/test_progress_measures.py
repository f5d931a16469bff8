"""The progress measures, on logits whose parts are known."""

import math

import pandas as pd
import pytest
import torch
from clock_network import clock_network, memorised_logits

from mechanics.addition.fourier import key_frequencies
from mechanics.addition.pairs import all_pairs, training_mask
from mechanics.addition.progress_measures import (
    MATRICES,
    MOMENTS,
    change_points,
    excluded_logits,
    key_spectrum,
    logit_fve,
    logits_and_neurons,
    norms_squared,
    pair_losses,
    restricted_logits,
)

P, KEYS = 13, (2, 5)
NAN = math.nan


def waves(p: int, keys, function=torch.cos) -> torch.Tensor:
    """Σ_k of a wave of a + b − c."""
    a, b = all_pairs(p).double().T
    difference = (a + b)[:, None] - torch.arange(p, dtype=torch.float64)
    return sum(function(2 * torch.pi * k / p * difference) for k in keys)


def noise(p: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(p * p, p, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("function", [torch.cos, torch.sin])
def test_planted_waves_are_kept_by_restriction_and_taken_by_exclusion(function):
    kept, other = 3 * waves(P, KEYS, function), 2 * waves(P, [4], function)
    constant = noise(P)[:1]
    a, b = all_pairs(P).double().T
    of_difference = torch.cos(2 * torch.pi * 2 / P * (a - b))[:, None] * constant
    logits = kept + other + of_difference + constant
    torch.testing.assert_close(restricted_logits(logits, KEYS), kept + constant, atol=1e-10, rtol=0)
    torch.testing.assert_close(excluded_logits(logits, KEYS), logits - kept, atol=1e-10, rtol=0)
    one = excluded_logits(logits, [5])
    torch.testing.assert_close(one, logits - 3 * waves(P, [5], function), atol=1e-10, rtol=0)


def test_logit_fve_is_the_share_of_the_planted_cosines():
    logits = 3 * waves(P, [2]) + 1 * waves(P, [5]) + 2 * waves(P, [4], torch.sin)
    assert logit_fve(logits, [2]) == pytest.approx(9 / 14, abs=1e-10)
    assert logit_fve(logits, KEYS) == pytest.approx(10 / 14, abs=1e-10)  # a sine is none
    assert logit_fve(logits + 7 * noise(P)[:, :1], KEYS) == pytest.approx(10 / 14, abs=1e-10)


def test_clock_network_is_its_key_frequencies_and_nothing_else():
    p, frequencies = 59, (4, 17, 29)
    parameters, architecture = clock_network(p, frequencies)
    logits, _ = logits_and_neurons(parameters, architecture)
    keys = key_frequencies(key_spectrum(parameters, architecture, logits))
    assert keys == list(frequencies)
    assert logit_fve(logits, keys) > 0.99
    assert pair_losses(restricted_logits(logits, keys)).mean() < 0.01
    exact = 20 * waves(p, frequencies)  # the clock as the network approximates it
    alone = pair_losses(excluded_logits(exact, keys))
    assert alone.tolist() == pytest.approx([math.log(p)] * p**2, abs=1e-10)
    per_key = [pair_losses(excluded_logits(logits, [k])).mean() for k in keys]
    assert min(per_key) > pair_losses(logits).mean()


def test_restriction_takes_the_noise_from_a_clock():
    logits = 5 * waves(P, KEYS) + 4 * noise(P)
    full, restricted = pair_losses(logits).mean(), pair_losses(restricted_logits(logits, KEYS))
    assert restricted.mean() < 0.5 * full
    assert pair_losses(excluded_logits(logits, KEYS)).mean() > math.log(P)


def test_memorised_network_has_only_its_share_of_the_table_at_any_keys():
    """Knowing 30 % of the answers with a margin of 20 is, for all pairs alike, one of 6."""
    p, keys, margin = 59, [4, 17, 29], 20.0
    mask = training_mask(p, 0.3, 0)
    logits = memorised_logits(p, mask, 0, margin)
    common = 0.3 * margin * 2 / p * waves(p, keys)  # 2/p of a peak at a + b = c lies in each key
    restricted, expected = pair_losses(restricted_logits(logits, keys)), pair_losses(common)
    assert restricted.mean() == pytest.approx(float(expected.mean()), abs=0.02)
    assert restricted.mean() > 0.8 * math.log(p)
    full, excluded = pair_losses(logits), pair_losses(excluded_logits(logits, keys))
    assert excluded[mask].mean() == pytest.approx(float(full[mask].mean()), abs=0.01)
    lost = 0.3 * margin * 2 * len(keys) / p  # of the logit of each right answer
    assert excluded[~mask].mean() - full[~mask].mean() == pytest.approx(lost, abs=0.05)
    assert logit_fve(logits, keys) < 0.1


def test_random_logits_carry_nothing():
    p = 59
    logits = noise(p)
    assert logit_fve(logits, [4, 17, 29]) < 20 * 3 / p**2
    restricted = pair_losses(restricted_logits(logits, [4, 17, 29])).mean()
    assert restricted == pytest.approx(math.log(p), abs=0.02)


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
        "norm_squared": [
            1700.0,
            2000.0,
            2500.0,
            2600.0,
            2500.0,
            2400.0,
            2000.0,
            1000.0,
            500.0,
            500.0,
        ],
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
