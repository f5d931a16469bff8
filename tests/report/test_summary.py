"""What the report says of the study as a whole."""

import pandas as pd
from measured import replicas

from write_numbers import comparison_rows, footer, seeds_sentences


def record(model: str, *statuses: str) -> dict:
    return {"model": model, "replicas": replicas(*statuses)}


def ends(*statuses: str) -> pd.DataFrame:
    return pd.DataFrame({"status": statuses})


def test_how_all_runs_ended_is_said():
    doses = ends("censored", "grokked", "stalled", "censored", "diverged")
    trained = [record("linear_L1", "finished", "diverged"), record("b", "finished")]
    assert seeds_sentences(trained, doses) == (
        "3 networks were trained; 1 diverged (linear L1 seed 1) and are left out of"
        " means. Of the 5 on addition 1 generalised. Of the others 2 had not when their steps were"
        " used up, 1 stood still before."
    )
    text = seeds_sentences([record("b", "finished")], ends("grokked"))
    assert text.endswith("none diverged. Of the 1 on addition 1 generalised.")
    assert seeds_sentences([record("b", "finished")], None).endswith("none diverged.")
    text = seeds_sentences([record("b", "diverged")], ends("diverged"))
    assert text.endswith("nothing is measured. Of the 1 on addition 0 generalised.")


def test_where_every_seed_diverged_no_value_is_made_up():
    missing = dict.fromkeys(["value", "ci_low", "ci_high", "reference", "reference_value"])
    row = {"configuration": "Linear Attention (L=1)", "task": "linear_regression", "n_seeds": 0}
    row |= {"metric": "MSE/d at k = 5", "flops_per_prompt": 15730, "interpretation": "no seed"}
    (shown,) = comparison_rows(pd.DataFrame([row | missing]))
    assert (shown["value"], shown["reference"]) == ("not measured: every seed diverged", "")


def test_footer_names_each_commit_once_and_one_that_git_does_not_know():
    records = [{"git_commit": "a" * 40}, {"git_commit": "a" * 40}, {"git_commit": "b" * 40}]
    text = footer(records, "c" * 64, {"a" * 40: "2026-01-02"})
    expected = f"{'a' * 10} (2026-01-02), {'b' * 10} (undated) · config sha256 {'c' * 12}"
    assert text == f"trained at commit {expected}"


def test_regression_is_shown_at_the_longest_k_beside_every_reference():
    common = {"configuration": "Linear Attention (L=1)", "task": "linear_regression"}
    common |= {"ci_low": 0.2, "ci_high": 0.25, "n_seeds": 3, "flops_per_prompt": 15730}
    rows = [
        common
        | {"metric": f"MSE/d at k = {k}", "value": k / 100, "interpretation": "a step"}
        | {"reference": reference, "reference_value": level}
        for k in (10, 50)
        for reference, level in (("OLS", 0.0), ("r*", 0.18))
    ]
    (row,) = comparison_rows(pd.DataFrame(rows))
    assert row["task"] == "linear regression, k = 50"
    assert row["value"] == "0.5 [0.2, 0.25], n = 3"
    assert row["reference"] == "OLS 0; r* 0.18"
    assert row["flops"] == "15,730"
