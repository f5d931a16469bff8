"""The comparative table says what its numbers say."""

import pandas as pd
import pytest
from helpers import regression_settings
from measured import evaluation, filters, history_of, keys_of, replicas, write_run

from mechanics.tables import comparison
from mechanics.tables.comparison import addition_rows, as_markdown, lengths_factor, regression_rows
from mechanics.tables.study import Study
from mechanics.training.schedules import lengths_of_step

SETTINGS = regression_settings(d=10, k_min=5, k_max=50)


def record(*statuses: str) -> dict:
    own = [one | {"train_flops": 100 * (one["seed"] + 1)} for one in replicas(*statuses)]
    return {"settings": SETTINGS, "replicas": own}


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "Linear Attention (L=1)"),
        ({"attention": "softmax", "n_heads": 2}, "Softmax Attention (L=1, 2 heads)"),
        ({"d_max": 20}, "Linear Attention (L=1, d_max=20 axis)"),
        ({"n_layers": 6}, "Linear Attention (L=6)"),
        ({"n_layers": 6, "d_model": 64, "d_mlp": 256, "n_heads": 4}, "Deep Transformer (L=6)"),
        ({"d_model": 128, "d_mlp": 512, "n_heads": 4}, "Linear Attention (L=1)"),
    ],
)
def test_configurations_are_named_by_their_architecture(changes, name):
    assert comparison.configuration(SETTINGS | changes) == name


def regression_table(*statuses: str) -> pd.DataFrame:
    risks = pd.DataFrame({"seed": [0, 1], "k": 10, "risk": [0.5, 0.6], "risk_se": 0.01})
    given = (risks, filters(OLS=0.1, zero=0.4), {"tabulated_at": [10]})
    rows = regression_rows("m", [record(*statuses)], *given)
    return pd.DataFrame(rows, columns=comparison.COLUMNS)


def test_risk_stands_beside_ols_and_the_one_step_optimum():
    table = regression_table("finished", "finished")
    assert table["value"].tolist() == [pytest.approx(0.55)] * 3
    assert table["evaluation_se"].tolist() == [pytest.approx(0.01)] * 3
    by_name = table.set_index("reference")["reference_value"]
    assert by_name["OLS"] == 0
    assert by_name["one-step optimum r*"] == pytest.approx(11 / 21)
    assert by_name["one step for all k"] > by_name["one-step optimum r*"]
    assert table["train_flops"].tolist() == [150.0] * 3


def test_diverged_seeds_are_said_and_not_averaged_and_alone_they_have_no_value():
    table = regression_table("finished", "diverged")
    assert table["interpretation"].str.endswith("1 of 2 seeds diverged, not in the mean").all()
    means = table[["value", "n_seeds", "train_flops"]]
    assert means.values.tolist() == [[0.5, 1, 100.0]] * 3
    table = regression_table("diverged", "diverged")
    assert table["value"].isna().all()
    assert table["interpretation"].str.startswith("no sound seed").all()


def test_markdown_has_one_row_for_each_metric_and_no_stray_bars():
    lines = as_markdown(regression_table("finished", "finished")).splitlines()
    body = [line for line in lines if line.startswith("| ")][1:]
    assert len(body) == 1
    assert lines[0].count("|") == body[0].count("|")


def test_a_network_of_few_tasks_is_in_another_table(tmp_path):
    measured = {"risk": pd.DataFrame({"seed": [0], "k": 10, "risk": 0.5, "risk_se": 0.0})}
    measured["filters"] = filters(OLS=0.1, zero=0.4)
    own, place = record("finished")["replicas"], "linear_regression/{}/0"
    runs = [
        write_run(tmp_path, place.format("plain"), own, SETTINGS, **measured),
        write_run(tmp_path, place.format("few"), own, SETTINGS | {"n_tasks": 4}),
    ]
    table = comparison.tables(Study(tmp_path, runs, {"tabulated_at": [10]}))["comparative_metrics"]
    assert table["model"].tolist() == ["plain"] * 3


def test_each_context_length_has_its_own_nearest_algorithm():
    risks = pd.DataFrame({"seed": 0, "k": [10, 50], "risk": 0.5, "risk_se": 0.01})
    at_k = pd.concat([filters(OLS=0.3, ridge=0.1), filters(OLS=0.1, ridge=0.3).assign(k=50)])
    rows = regression_rows("m", [record("finished")], risks, at_k, {"tabulated_at": [10, 50]})
    said = {row["metric"]: row["interpretation"] for row in rows}
    assert "nearest to ridge" in said["MSE/d at k = 10"]
    assert "nearest to OLS" in said["MSE/d at k = 50"]


def test_assigned_configurations_come_first():
    names = ["Linear Attention (L=1)", "Deep Transformer (L=6)", "Linear Attention (L=6)"]
    rows = [{"configuration": name} for name in names]
    assert sorted(reversed(rows), key=comparison.assignment_order) == rows


def test_flops_of_steps_follow_their_context_length():
    """k is 50 at step 0 of this stream, and 27.5 on average: deep prompts cost about half."""
    deep = SETTINGS | {"n_layers": 6, "d_model": 64, "d_mlp": 256, "n_heads": 4, "steps": 300}
    deep |= {"one_length_per_step": True, "queries_per_prompt": 1, "curriculum": "mixed"}
    deep |= {"full_range_at": 1.0, "layer_norm": True, "attention": "softmax"}
    k_0 = int(lengths_of_step(deep, 0, 0)[0])
    assert lengths_factor(deep) == pytest.approx(28.5 / (k_0 + 1), rel=0.1)
    strata = deep | {"strata": 4}  # a length in each
    at_0 = lengths_of_step(strata, 0, 0).double().mean().item()
    assert lengths_factor(strata) == pytest.approx(28.5 / (at_0 + 1), rel=0.1)
    assert lengths_factor(SETTINGS) == 1.0


def test_an_imported_network_has_the_rows_of_all_pairs_alone():
    own = SETTINGS | {"d_model": 8, "d_mlp": 16, "p": 11, "weights": "theirs.pth"}
    about = {"settings": own, "replicas": [{"seed": 0, "status": "imported", "train_flops": None}]}
    results = evaluation(1.0, 1.0, 100).query("split == 'all'").assign(accuracy=1.0)
    results = {"evaluation": results} | keys_of(0)
    table = pd.DataFrame(addition_rows("theirs", [about], results, None))
    assert table["metric"].tolist() == [comparison.ALL_RIGHT, "accuracy, all pairs"]
    assert table["value"].tolist() == [1.0, 1.0]
    assert table["configuration"].unique().tolist() == ["Linear Attention (L=1), imported"]
    assert "| —" in as_markdown(table.assign(evaluation_se=float("nan")))  # FLOPs of training


def test_addition_rows_say_who_did_not_grok():
    history = history_of([0, 10], train=[0, 1], validation=[0, 1])
    history = pd.concat([history, history.assign(seed=1, accuracy=0.1)])
    results = pd.concat([evaluation(1.0, 1.0, 100, 0), evaluation(1.0, 0.1, 30, 1)])
    results["loss"] = 1.0
    addition = {"d_model": 8, "d_mlp": 16, "p": 11, "grokking_accuracy": 0.99, "steps": 10}
    about = record("finished", "finished") | {"settings": SETTINGS | addition}
    table = addition_rows("m", [about], {"evaluation": results} | keys_of(0, 1), history)
    rows = pd.DataFrame(table).set_index("metric")
    reached, grokked = rows.loc[comparison.REACHED], rows.loc[comparison.GROKKING]
    assert reached["value"] == grokked["value"] == 10
    assert grokked["n_seeds"] == 1
    assert rows["interpretation"].str.endswith("1 of 2 seeds did not grok").all()
    assert rows.loc["accuracy, validation", "ci_high"] == 1
