"""A number is what its cells say, or it is absent and says so."""

import pandas as pd
import pytest

from mechanics.report import cells
from mechanics.report.cells import count, lower, number, setting, upper
from mechanics.report.text import as_text, short

RISKS = pd.DataFrame({"model": ["linear"] * 3 + ["deep"] * 2, "seed": [0, 1, 2, 0, 1]})
RISKS = RISKS.assign(risk=[0.3, 0.4, 0.5, 0.01, 9.0], k=20, law=0.4)
RISKS["status"] = ["finished"] * 4 + ["diverged"]
TABLES = {"risk": RISKS}
LINEAR, DEEP = "model == 'linear'", "model == 'deep'"


def test_a_mean_over_seeds_carries_its_interval_n_table_and_cell():
    found = number(TABLES, "risk", f"{LINEAR} and k == 20", "risk", ".2f", unit="MSE/d")
    assert found["value"] == pytest.approx(0.4)
    assert (found["text"], found["n"], found["unit"]) == ("0.40", 3, "MSE/d")
    half = 4.302652729911275 * 0.1 / 3**0.5  # Student's t for 2 degrees of freedom
    assert (lower(found), upper(found)) == pytest.approx((0.4 - half, 0.4 + half))
    assert found["interval"] == "0.15 to 0.65, n = 3"
    cell = "model == 'linear' and k == 20: mean of risk"
    assert (found["table"], found["cell"]) == ("risk", cell)


def test_a_diverged_seed_is_left_out_and_the_text_says_so():
    found = number(TABLES, "risk", DEEP, "risk", ".2f")
    assert found["text"] == "0.01 (n = 1 of 2)"
    assert (found["ci_low"], lower(found)) == (None, 0.01)


def test_extremes_and_quotients_of_columns():
    assert number(TABLES, "risk", LINEAR, "risk / law", ".2f", "min")["text"] == "0.75"
    assert number(TABLES, "risk", LINEAR, "risk", ".2f", "max")["text"] == "0.50"


def test_last_is_the_last_row_of_each_seed_that_a_condition_leaves():
    layers = pd.DataFrame({"layer": [1, 2, 3] * 2, "seed": [0, 0, 0, 1, 1, 1], "model": "deep"})
    layers["ratio"] = [0.5, 1e-3, 1e-16, 0.4, 1e-15, 1e-16]  # the last ones are rounding
    rows = "ratio > 1e-13"
    found = number({"t": layers}, "t", rows, "ratio", statistic="max", last=("layer",))
    assert found["value"] == 0.4
    layer = number({"t": layers}, "t", rows, "layer", ".0f", "max", last=("layer",))
    assert layer["text"] == "2"


def test_a_count_says_of_how_many():
    found = count(TABLES, "risk", LINEAR, "risk > law")
    assert (found["text"], found["value"], found["n"]) == ("1 of 3", 1, 3)


def test_what_the_study_leaves_out_is_absent():
    for found in (
        number(TABLES, "risk", "model == 'softmax'", "risk"),
        number({}, "risk", LINEAR, "risk"),
        count({}, "risk", LINEAR, "risk > law"),
        setting({}, "p", "modular_addition.p"),
    ):
        assert (found["text"], found["value"], found["absent"]) == (cells.ABSENT, None, True)
    assert setting({"p": 113}, "p", "modular_addition.p")["text"] == "113"


def test_a_measure_that_no_sound_seed_has_is_said_to_be_missing():
    unknown = {"risk": RISKS.assign(risk=float("nan"))}
    assert number(unknown, "risk", LINEAR, "risk")["text"] == cells.UNMEASURED
    assert number({"risk": pd.DataFrame()}, "risk", LINEAR, "risk")["text"] == cells.UNMEASURED
    diverged = {"risk": RISKS.assign(status="diverged")}
    assert number(diverged, "risk", LINEAR, "risk")["text"] == cells.DIVERGED


def test_a_missing_column_and_several_values_for_one_are_errors():
    with pytest.raises(pd.errors.UndefinedVariableError, match="rsik"):
        number(TABLES, "risk", LINEAR, "rsik")
    with pytest.raises(ValueError, match="risk, model == 'linear'.*: 3 values, expected one"):
        number(TABLES, "risk", LINEAR, "risk", statistic="only")


def test_numbers_are_printed_with_a_true_minus_and_powers_and_those_of_tables_short():
    powers = [as_text(value, "power") for value in (2.03e-7, -2.03e-7, 0.0)]
    assert powers == ["2.0 × 10⁻⁷", "−2.0 × 10⁻⁷", "0"]
    assert [as_text(value, ".1f") for value in (-0.5, float("inf"))] == ["−0.5", "∞"]
    values = (12769.2, 0.123456, 0.0, float("nan"))
    assert [short(value) for value in values] == ["12,769", "0.1235", "0", "–"]
