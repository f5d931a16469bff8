"""The comparative table says what its numbers say."""

import pandas as pd
import pytest

from mechanics.comparison import (
    COLUMNS,
    addition_profiles,
    as_markdown,
    assignment_order,
    configuration,
    describe_addition,
    describe_nearest,
    nearest_algorithms,
    regression_rows,
)

SETTINGS = {
    "task": "linear_regression",
    "attention": "linear",
    "n_layers": 1,
    "n_heads": 1,
    "d_model": "token",
    "d_mlp": 0,
    "layer_norm": False,
    "activation_clip": None,
    "d": 10,
}


def record(*statuses: str) -> dict:
    replicas = [
        {"seed": seed, "status": status, "train_flops": 100 * (seed + 1)}
        for seed, status in enumerate(statuses)
    ]
    return {"settings": SETTINGS, "replicas": replicas}


def distances(**by_algorithm: float) -> pd.DataFrame:
    return pd.DataFrame(
        {"seed": 0, "k": 10, "algorithm": name.replace("_", " "), "preds_diff": value}
        for name, value in by_algorithm.items()
    )


def evaluation(train: float, validation: float, n_right: int) -> pd.DataFrame:
    parts = {"all": (0.5, 100), "train": (train, 30), "validation": (validation, 70)}
    parts |= {"validation_swapped": (validation, 21)}
    rows = [
        {"seed": 0, "split": split, "accuracy": accuracy, "n_pairs": n_pairs, "n_right": n_right}
        | {"sum_fve": 0.97, "n_frequencies": 4.0}
        for split, (accuracy, n_pairs) in parts.items()
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "Linear Attention (L=1)"),
        ({"attention": "softmax", "n_heads": 2}, "Softmax Attention (L=1, 2 heads)"),
        ({"n_layers": 6}, "Linear Attention (L=6)"),
        ({"n_layers": 6, "d_model": 64, "d_mlp": 256, "n_heads": 4}, "Deep Transformer (L=6)"),
        ({"d_model": 128, "d_mlp": 512, "n_heads": 4}, "Linear Attention (L=1)"),
    ],
)
def test_configurations_are_named_by_their_architecture(changes, name):
    assert configuration(SETTINGS | changes) == name


def test_nearest_is_the_least_mean_difference():
    frame = pd.concat([distances(OLS=1.0, zero=3.0), distances(OLS=2.0, zero=1.0)])
    assert nearest_algorithms(frame).to_dict() == {"OLS": 1.5, "zero": 2.0}


def test_interpretation_follows_the_nearest_algorithm():
    nearest = nearest_algorithms(distances(OLS=0.1, zero=0.4))
    assert describe_nearest(nearest).startswith("Multi-step / Algorithmic: nearest to OLS")
    assert "next zero, 0.400" in describe_nearest(nearest)


@pytest.mark.parametrize(
    ("train", "validation", "name"),
    [
        (0.02, 0.01, "Untrained"),
        (1.0, 0.02, "Lookup table"),
        (1.0, 0.31, "Symmetric lookup table"),
        (1.0, 0.99, "Multi-step / Algorithmic"),
    ],
)
def test_addition_is_named_by_the_nearest_profile(train, validation, name):
    assert describe_addition(evaluation(train, validation, 0), 10).startswith(name)


def test_frequencies_are_named_only_once_something_generalised():
    assert "cos" not in describe_addition(evaluation(1.0, 0.02, 30), 10)
    assert "90 % of it 4" in describe_addition(evaluation(1.0, 1.0, 100), 10)


def test_symmetric_table_lies_between_table_and_algorithm():
    profiles = addition_profiles(113, 0.3)
    assert 1 / 113 < profiles["Symmetric lookup table"][1] < 1


def regression_table(*statuses: str) -> pd.DataFrame:
    risks = pd.DataFrame({"seed": [0, 1], "k": 10, "risk": [0.5, 0.6]})
    rows = regression_rows(
        "m", [record(*statuses)], risks, distances(OLS=0.1, zero=0.4), {"tabulated_at": [10]}
    )
    return pd.DataFrame(rows, columns=COLUMNS)


def test_risk_stands_beside_ols_and_the_one_step_optimum():
    table = regression_table("finished", "finished")
    assert table["value"].tolist() == [pytest.approx(0.55)] * 2
    by_name = table.set_index("reference")["reference_value"]
    assert by_name["OLS"] == 0
    assert by_name["one-step optimum r*"] == pytest.approx(11 / 21)
    assert table["train_flops"].tolist() == [150.0, 150.0]


def test_diverged_seeds_are_said_and_not_averaged():
    table = regression_table("finished", "diverged")
    assert table["interpretation"].str.endswith("1 of 2 seeds diverged, not in the mean").all()
    assert table["value"].tolist() == [0.5, 0.5]
    assert table["n_seeds"].tolist() == [1, 1]


def test_a_table_of_diverged_seeds_alone_has_no_value():
    table = regression_table("diverged", "diverged")
    assert table["value"].isna().all()
    assert table["interpretation"].str.startswith("no sound seed").all()


def test_markdown_has_one_row_for_each_metric_and_no_stray_bars():
    lines = as_markdown(regression_table("finished", "finished")).splitlines()
    body = [line for line in lines if line.startswith("| ")][1:]
    assert len(body) == 1
    assert lines[0].count("|") == body[0].count("|")


def test_assigned_configurations_come_first():
    names = ["Linear Attention (L=6)", "Deep Transformer (L=6)", "Linear Attention (L=1)"]
    ordered = sorted(({"configuration": name} for name in names), key=assignment_order)
    expected = ["Linear Attention (L=1)", "Deep Transformer (L=6)", "Linear Attention (L=6)"]
    assert [row["configuration"] for row in ordered] == expected
