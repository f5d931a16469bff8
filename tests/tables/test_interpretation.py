"""No name is given without its evidence."""

import math

import pandas as pd
import pytest
from measured import evaluation, filters, keys_of, sum_of

from mechanics.tables.interpretation import describe_addition, describe_filter

NO_KEYS = {"keys": "", "alone": math.nan, "without": math.nan}
BOTH = pd.concat([evaluation(1.0, 1.0, 100, seed) for seed in (0, 1)])  # seeds, all right


def test_the_nearest_is_that_of_the_mean_and_its_seeds_are_counted():
    frame = pd.concat([filters(OLS=1.0, zero=1.1), filters(OLS=2.0, zero=1.5).assign(seed=1)])
    text = describe_filter(frame)
    assert text.startswith("Nothing learned: filter nearest to zero on average, in 1 of 2 seeds")
    assert "(distance 1.300; next OLS, 1.500); no filter explains 25.0%" in text


def test_of_equally_near_filters_the_one_that_does_nothing_is_named():
    text = describe_filter(filters(**{"3 nearest neighbours": 1.0, "OLS": 1.5, "zero": 1.0}))
    assert text.startswith("Nothing learned: filter nearest to zero, in 1 of 1 seeds")
    assert "next 3 nearest neighbours" in text


def test_a_network_that_predicts_no_numbers_is_near_no_algorithm():
    broken = filters(OLS=1.0, zero=0.4).assign(seed=1)
    broken.loc[broken["algorithm"] == "network", "filter"] = math.nan
    assert describe_filter(broken) == "no filter, because no prediction is a number"
    text = describe_filter(pd.concat([filters(OLS=1.0, zero=0.4), broken]))
    assert "nearest to zero on average, in 1 of 2 seeds (distance 0.400; next OLS, 1.000)" in text


def described(of_seeds: pd.DataFrame, *seeds: int, n_layers: int = 1, **keys) -> str:
    return describe_addition({"evaluation": of_seeds, **keys_of(*seeds, **keys)}, n_layers, 10)


def test_addition_is_named_by_the_nearest_profile():
    assert described(evaluation(0.02, 0.01, 0), 0).startswith("Untrained")
    assert described(evaluation(1.0, 0.31, 0), 0).startswith("Symmetric lookup table")
    assert described(evaluation(1.0, 0.99, 0), 0).startswith("Fourier circuit")


@pytest.mark.parametrize(
    "found",
    [
        NO_KEYS,
        {"alone": -0.1},  # the keys alone do not answer every pair
        {"without": 2.2},  # without them it still knows something: ln 10 = 2.30
    ],
)
def test_accuracy_alone_earns_no_circuit(found):
    text = described(evaluation(1.0, 1.0, 100), 0, **found)
    assert text.startswith("Generalises, algorithm not identified, in 1 of 1 seeds: no key")
    assert "of whose variance 97% is a sum" in text
    assert "over 4 frequencies to nine tenths" in text


def test_without_its_training_pairs_a_circuit_is_named_and_nothing_else():
    of_all = evaluation(1.0, 1.0, 100).query("split == 'all'")
    assert described(of_all, 0).startswith("Fourier circuit, one layer")
    text = described(of_all, 0, **NO_KEYS)
    assert text.startswith("Algorithm not identified, nor which pairs were trained on, in 1 of 1")


def described_by_its_sums(sums: dict[str, pd.DataFrame]) -> str:
    return describe_addition({"evaluation": BOTH, **keys_of(0, 1, **NO_KEYS), **sums}, 6, 10)


def test_a_sum_that_is_exchanged_and_answered_names_the_network():
    assert described_by_its_sums(sum_of("b", "=")) == (
        "Sum in Fourier features, then read off, in 2 of 2 seeds: 99.9% of the variance of its "
        "logits is a function of (a+b, c), 52% of a+b−c alone; the 6 to 7 frequencies of a+b, "
        "exchanged between prompts, move at least 98.0% of the answers, all else there none; 126 "
        "of 256 neurons of the last layer fire at one sum only"
    )


@pytest.mark.parametrize("short", [{"of_sum": 0.98}, {"moved": 0.94}, {"by_rest": 0.06}])
def test_a_sum_without_its_evidence_names_nothing(short):
    text = described_by_its_sums(sum_of("b", "b", **short))
    assert text.startswith("Generalises, algorithm not identified, in 2 of 2 seeds")


def test_a_circuit_is_counted_in_layers_keys_and_seeds():
    assert described(BOTH, 0, 1, keys="3 4 7") == (
        "Fourier circuit, one layer, in 2 of 2 seeds (4 of 6 circles nearer to a clock than to a "
        "pizza): 3 key frequencies suffice and are needed"
    )
    assert "Fourier circuit, 6 layers" in described(BOTH, 0, 1, n_layers=6)


def test_seeds_are_named_each_for_itself():
    ends = ((1.0, 100, 0), (0.01, 30, 1), (0.01, 30, 2))
    text = described(pd.concat([evaluation(1.0, *own) for own in ends]), 0, 1, 2)
    assert text.startswith("Lookup table, in 2 of 3 seeds; Fourier circuit, one layer, in 1 of 3")
    assert "Symmetric" not in text
