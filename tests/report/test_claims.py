"""A claim is what its cell says, or there is no claim."""

import pandas as pd
import pytest

from mechanics.report.claims import ABSENT, UNDEFINED, ClaimError, evaluate

RISKS = pd.DataFrame(
    {
        "model": ["linear", "linear", "linear", "deep", "deep"],
        "seed": [0, 1, 2, 0, 1],
        "status": ["finished", "finished", "finished", "finished", "diverged"],
        "k": 20,
        "risk": [0.3, 0.4, 0.5, 0.01, 9.0],
        "law": 0.4,
    }
)
STUDY = {
    "settings": {"linear_regression.k_max": 20},
    "tasks": {"risk": "linear_regression", "grokking": "modular_addition"},
    "seeds": {"linear_regression": {"linear": 3, "deep": 2}},
}


def made(declared: dict, tables=None) -> dict:
    return evaluate(declared, {"risk": RISKS} if tables is None else tables, STUDY)


def of_linear(**more) -> dict:
    where = {"model": "linear", "k": {"setting": "linear_regression.k_max"}}
    return {"table": "risk", "where": where, "column": "risk", "format": ".2f"} | more


def test_a_mean_over_seeds_carries_its_interval_n_and_source():
    claim = made({"r": of_linear(unit="MSE/d")})["r"]
    assert claim["value"] == pytest.approx(0.4)
    assert (claim["text"], claim["n"], claim["unit"]) == ("0.40", 3, "MSE/d")
    half = 4.302652729911275 * 0.1 / 3**0.5  # Student's t for 2 degrees of freedom
    assert claim["ci_low"] == pytest.approx(0.4 - half)
    assert claim["interval"] == "0.15 to 0.65, n = 3"
    assert claim["source"]["table"] == "risk"


def test_a_diverged_seed_is_left_out_and_the_text_says_so():
    claim = made({"r": of_linear(where={"model": "deep"})})["r"]
    assert claim["text"] == "0.01 (n = 1 of 2)"
    assert claim["ci_low"] is None


def test_extremes_and_quotients_of_columns():
    claims = made(
        {"low": of_linear(statistic="min", over="law"), "high": of_linear(statistic="max")}
    )
    assert claims["low"]["value"] == pytest.approx(0.75)
    assert claims["high"]["text"] == "0.50"


def test_last_is_the_last_row_of_each_seed():
    table = RISKS.assign(step=[10, 20, 30, 10, 20])
    table = pd.concat([table, table.assign(step=1, risk=-1.0)])
    claim = made({"r": of_linear(where={"model": "linear", "step": "last"})}, {"risk": table})["r"]
    assert claim["value"] == pytest.approx(0.4)


def test_counts_compare_columns_with_values_and_with_columns():
    declared = {
        "above": {"count": "risk", "where": {"model": "linear"}, "having": ["risk", ">", "law"]},
        "small": {"count": "risk", "where": {"model": "linear"}, "having": ["risk", "<", 0.45]},
    }
    claims = made(declared)
    assert claims["above"]["text"] == "1 of 3"
    assert claims["small"]["value"] == 2


def test_counts_of_quotients_and_against_a_claim():
    rows = {"count": "risk", "where": {"model": "linear"}}
    of_none = of_linear(where={"model": "linear", "k": 7}, if_none=UNDEFINED)
    declared = {
        "least": of_linear(statistic="min"),
        "none": of_none,
        "double": {**rows, "over": "law", "having": ["risk", ">", 1.1]},
        "more": {**rows, "having": ["risk", ">", {"claim": "least"}]},
        "unknown": {**rows, "having": ["risk", ">", {"claim": "none"}]},
        "no_rows": {**rows, "where": of_none["where"], "if_none": UNDEFINED}
        | {"having": ["risk", ">", 0]},
    }
    claims = made(declared)
    assert claims["double"]["text"] == "1 of 3"
    assert claims["more"]["text"] == "2 of 3"
    assert claims["unknown"]["text"] == claims["no_rows"]["text"] == UNDEFINED


def test_a_count_may_compare_with_another_claim():
    declared = {
        "worst": of_linear(where={"model": "deep"}),
        "above": {"count": "risk", "where": {"model": "linear"}},
    }
    declared["above"]["having"] = ["risk", ">", {"claim": "worst"}]
    assert made(declared)["above"]["text"] == "3 of 3"
    declared["worst"]["where"] = {"model": "softmax"}  # not in this study
    assert made(declared)["above"]["absent"]


def test_last_is_the_last_of_the_rows_that_a_condition_leaves():
    layers = pd.DataFrame({"layer": [1, 2, 3] * 2, "seed": [0, 0, 0, 1, 1, 1], "model": "deep"})
    layers["ratio"] = [0.5, 1e-3, 1e-16, 0.4, 1e-15, 1e-16]  # the last ones are rounding
    declared = {"table": "risk", "where": {"model": "deep", "layer": "last"}, "format": "g"}
    declared |= {"having": ["ratio", ">", 1e-13], "statistic": "max"}
    claims = made(
        {"ratio": declared | {"column": "ratio"}, "layer": declared | {"column": "layer"}},
        {"risk": layers},
    )
    assert (claims["ratio"]["text"], claims["layer"]["text"]) == ("0.4", "2")


def test_a_range_says_where_a_condition_clearly_holds():
    by_k = {5: [0.5, 0.5], 10: [0.1, 0.12], 15: [0.1, 0.12], 20: [0.01, 0.38]}  # 20: on average
    rows = [
        {"model": "deep", "seed": seed, "status": "finished", "k": k, "risk": risk, "law": 0.4}
        for k, risks in by_k.items()
        for seed, risk in enumerate(risks)
    ]
    rows += [{**rows[2], "status": "diverged", "seed": 2, "risk": 9.0}]
    declared = {"range": "risk", "where": {"model": "deep"}, "along": "k"}
    declared |= {"having": ["risk", "<", "law"]}
    claims = made(
        {"bare": declared, "said": declared | {"words": ["less at"]}}, {"risk": pd.DataFrame(rows)}
    )
    assert (claims["bare"]["text"], claims["bare"]["value"], claims["bare"]["n"]) == (
        "10 to 15",
        2,
        4,
    )
    assert claims["said"]["text"] == "less at 10 to 15"


@pytest.mark.parametrize(("clearly", "words"), [(False, "less"), (True, "not less")])
def test_a_comparison_says_what_its_cells_say(clearly, words):
    declared = {
        "all": of_linear(),
        "two": of_linear(where={"model": "linear", "seed": [0, 1]}),
        "less": {"compare": ["two", "<", "all"], "words": ["less", "not less"], "clearly": clearly},
    }
    assert made(declared)["less"]["text"] == words  # .35 < .40, but the intervals overlap


def test_a_stated_direction_that_is_false_is_an_error():
    declared = {"r": of_linear(), "wrong": {"compare": ["r", "<", 0.1], "words": ["tiny"]}}
    with pytest.raises(ClaimError, match="claim wrong: it states “tiny”, but r = 0.4 < 0.1"):
        made(declared)


def test_what_the_config_leaves_out_is_absent():
    declared = {
        "other": of_linear(where={"model": "softmax"}),
        "track": {"count": "grokking", "having": ["seed", ">", 0]},
        "both": {"compare": ["other", "<", "track"], "words": ["less", "not less"]},
        "set": {"setting": "modular_addition.p"},
    }
    claims = made(declared)
    assert all(claim["text"] == ABSENT for claim in claims.values())


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        (of_linear(column="rsik"), "claim r: table risk has no column rsik"),
        (of_linear(where={"model": "linear", "k": 99}), "claim r: table risk has no row with"),
        (of_linear(statistic="only"), "claim r: .* 3 values, not one"),
        (of_linear(statistic="mode"), "claim r: statistic mode: expected one of mean"),
        ({"compare": ["r", "<", "s"], "words": ["less"]}, "claim r: no 'r'"),
        ({"colour": "red"}, "claim r: expected one of table"),
    ],
)
def test_a_missing_cell_is_an_error_that_names_the_claim(declaration, message):
    with pytest.raises(ClaimError, match=message):
        made({"r": declaration})


def test_a_measure_that_no_network_has_is_undefined():
    table = RISKS.assign(risk=float("nan"))
    assert made({"r": of_linear()}, {"risk": table})["r"]["text"] == UNDEFINED
    none = of_linear(where={"model": "linear", "k": 99}, if_none="undefined")
    assert made({"r": none})["r"]["text"] == UNDEFINED


def test_a_table_that_the_study_should_have_is_an_error():
    with pytest.raises(ClaimError, match="claim r: table risk was not made"):
        made({"r": of_linear()}, {})
