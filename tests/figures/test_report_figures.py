"""The report's strips of panels, from frames whose content is known."""

import math

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from figures.circuit_frames import circuit_frames
from figures.test_grokking_runs import grokking

from mechanics.figures.report_addition import report_addition, shown_seed
from mechanics.figures.report_cause import report_cause
from mechanics.figures.report_regression import report_regression


def words(axis) -> list[str]:
    return [text.get_text() for text in axis.texts]


def risks(*models: tuple[str, int]) -> pd.DataFrame:
    rows = [
        {"model": model, "n_layers": n_layers, "seed": seed, "k": k, "risk": 0.1 * (seed + 1)}
        | {"status": "finished", "one_step_mixture": 0.4, "gd_free_at_k": 0.01}
        for model, n_layers in models
        for seed in (0, 1)
        for k in (10, 20)
    ]
    return pd.DataFrame(rows)


WEIGHTS = pd.DataFrame(
    {"model": "linear_L1", "seed": 0, "status": "finished", "step": [0, 1, 10]}
    | {"correlation_gd": [0.0, 0.5, 1.0], "correlation_ols": [0.0, 0.4, 0.8]}
    | {"correlation_null": 0.7, "correlation_shuffled": 0.1}
)


def distances(model: str) -> pd.DataFrame:
    names = ["OLS", "6-step GD, tuned at k", "one-step GD"]
    return pd.DataFrame(
        {"model": model, "k": 10, "algorithm": names, "preds_diff": [1.0, 2.0, 3.0]}
    )


def test_regression_shows_the_deepest_network_and_no_arms():
    table = risks(("linear_L1", 1), ("linear_L1_axis", 1), ("linear_L2", 2), ("deep_L6", 6))
    risk, weights, distance = report_regression(table, WEIGHTS, distances("deep_L6")).axes
    assert words(risk) == [
        *("linear, 1 layer", "deep, 6 layers", "best step for all k", "best 6 GD steps")
    ]
    assert words(weights) == ["with W$_{GD}$", "with OLS", "w itself", "shuffled y"]
    assert distance.get_title(loc="left") == "(c)  deep, 6 layers"
    assert words(distance) == ["OLS", "6-step GD, tuned at k", "one-step GD"]


def test_regression_of_one_layer_alone_has_no_law_of_depth():
    table = risks(("linear_L1", 1))
    risk, *_ = report_regression(table, WEIGHTS, distances("linear_L1")).axes
    assert words(risk) == ["linear, 1 layer", "best step for all k"]


def progress() -> pd.DataFrame:
    own = {"model": "softmax_L1", "arm": "main", "status": "finished", "step": [0, 10, 100]}
    own |= {"accuracy_train": [0, 1, 1], "accuracy_validation": [0, 0, 1]}
    own |= {"norm_squared": [10.0, 20.0, 5.0], "excluded_loss_train": math.nan}
    losses = ("restricted_loss_all", "loss_validation", "loss_train")
    own |= {column: [4.0, 2.0, 1e-9] for column in losses}
    return pd.concat([pd.DataFrame(own).assign(seed=seed) for seed in (0, 1)])


def addition(seed_of_keys: int) -> plt.Figure:
    """The clock network of ``circuit_frames``, keys 4 and 17, stands for the seed that is shown."""
    frames = circuit_frames()
    embedding, circuit = (
        frames[name][frames[name]["seed"] == seed_of_keys].assign(arm="main", seed=0)
        for name in ("embedding", "circuit")
    )
    return report_addition(progress(), embedding, circuit, grokking())


def test_addition_shows_accuracy_losses_circle_and_survival():
    accuracy, circle, survival, loss, norm = addition(seed_of_keys=0).axes
    assert accuracy.get_title(loc="left") == "(a)  2 seeds"
    assert words(loss) == ["restricted", "validation", "train"]  # excluded loss has no value
    assert circle.get_title(loc="left").startswith("(c)  W$_E$, k = ")
    assert words(survival) == ["decay 0: 0/1", "decay 1: 2/2", "decay off: 0/1"]
    assert norm.get_ylabel() == "Σθ²"
    assert norm.lines[0].get_ydata().tolist() == [20.0, 5.0]
    falls = [(line.get_xdata()[0], line.get_mfc()) for line in norm.lines[1:3]]
    assert falls == [(500, "black"), (1400, "white")]
    assert [axis.lines[-1].get_xdata()[0] for axis in (loss, norm)] == [1000, 1000]


def test_a_network_without_keys_has_no_circle():
    assert words(addition(seed_of_keys=1).axes[1]) == ["no key\nfrequencies"]


def test_the_first_seed_that_grokked_is_shown():
    table = grokking()
    assert (
        shown_seed(table.assign(status=["censored", "grokked", *["censored"] * 3]), "softmax_L1")
        == 1
    )
    assert shown_seed(table.assign(status="censored"), "softmax_L1") == 0


def test_cause_marks_the_keys_and_sets_ranked_against_random_neurons():
    common = {"model": "softmax_L1", "arm": "main", "seed": 0, "status": "finished"}
    ablation = pd.DataFrame(
        common
        | {"level": "logits", "split": "all", "frequency": [1, 2, 3], "loss_full": 1e-6}
        | {"is_key": [False, True, False], "loss": [1e-6, 1.0, 2e-6]}
    )
    groups = pd.DataFrame(
        common
        | {"kind": ["top", "random", "random"], "n_neurons": 8, "direction": "denoising"}
        | {"recovery": [0.9, 0.2, 0.4]}
    )
    parsimony = pd.DataFrame(
        common
        | {"kind": ["frequencies", "frequencies", "ideal", "keys_only"], "n": [1, 2, 1, 1]}
        | {"min_margin": [-1.0, 5.0, 2.0, 4.0]}
    )
    left, middle, right = report_cause(ablation, groups, parsimony, grokking()).axes
    assert words(left) == ["2"]
    assert [line.get_ydata()[0] for line in middle.lines] == [0.9, pytest.approx(0.3)]
    assert words(right) == ["network", "formula"]
