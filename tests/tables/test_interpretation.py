"""No name is given without its evidence."""

import math

import pandas as pd
import pytest
from measured import evaluation, filters, keys_of

from mechanics.tables.interpretation import (
    addition_profiles,
    clock_or_pizza,
    describe_addition,
    describe_filter,
)


def test_the_nearest_is_that_of_the_mean_and_its_seeds_are_counted():
    frame = pd.concat([filters(OLS=1.0, zero=1.1), filters(OLS=2.0, zero=1.5).assign(seed=1)])
    text = describe_filter(frame)
    assert text.startswith(
        "Nothing learned: filter nearest to zero on average, in 1 of 2 seeds (distance"
    )
    assert "1.300; next OLS, 1.500); no filter explains 25.0%" in text


@pytest.mark.parametrize(
    ("train", "validation", "name"),
    [
        (0.02, 0.01, "Untrained"),
        (1.0, 0.02, "Lookup table"),
        (1.0, 0.31, "Symmetric lookup table"),
        (1.0, 0.99, "Fourier circuit"),
    ],
)
def test_addition_is_named_by_the_nearest_profile(train, validation, name):
    text = describe_addition(evaluation(train, validation, 0), *keys_of(0), 1, 10)
    assert text.startswith(name)


@pytest.mark.parametrize(
    "found",
    [
        {"keys": "", "alone": math.nan, "without": math.nan},
        {"alone": -0.1},  # the keys alone do not answer every pair
        {"without": 2.2},  # without them it still knows something: ln 10 = 2.30
    ],
)
def test_accuracy_alone_earns_no_circuit(found):
    text = describe_addition(evaluation(1.0, 1.0, 100), *keys_of(0, **found), 1, 10)
    assert text.startswith("Generalises, algorithm not identified, in 1 of 1 seeds: no key")
    assert "of whose variance 97% is a sum" in text
    assert "over 4 frequencies to nine tenths" in text


def test_a_circuit_is_counted_in_layers_keys_and_seeds():
    both = pd.concat([evaluation(1.0, 1.0, 100, 0), evaluation(1.0, 1.0, 100, 1)])
    text = describe_addition(both, *keys_of(0, 1), 1, 10)
    assert text == (
        "Fourier circuit, one layer, in 2 of 2 seeds (nearer to clock in 2, pizza in 0): 2 key "
        "frequencies suffice and are needed"
    )
    assert "Fourier circuit, 6 layers" in describe_addition(both, *keys_of(0, 1), 6, 10)


def test_seeds_are_named_each_for_itself():
    mixed = pd.concat(
        [evaluation(1.0, 1.0, 100, 0), evaluation(1.0, 0.01, 30, 1), evaluation(1.0, 0.01, 30, 2)]
    )
    text = describe_addition(mixed, *keys_of(0, 1, 2), 1, 10)
    assert text.startswith("Lookup table, in 2 of 3 seeds; Fourier circuit, one layer, in 1 of 3")
    assert "Symmetric" not in text


def test_clock_and_pizza_are_told_by_what_explains_more():
    circuit = pd.DataFrame({"q_clock": [0.9, 0.7], "q_pizza": [0.8, 0.95]})
    assert clock_or_pizza(circuit) == "nearer to clock in 1, pizza in 1"


def test_symmetric_table_lies_between_table_and_algorithm():
    profiles = addition_profiles(113, 0.3)
    assert 1 / 113 < profiles["Symmetric lookup table"][1] < 1
