"""Figures from frames whose content is known; the same frame gives the same bytes."""

import numpy as np
import pandas as pd
import pytest
from modular_history import history_of

from mechanics.figures import panels, style
from mechanics.figures.grokking_curves import grokking_curves
from mechanics.figures.regression_learning_curves import regression_learning_curves


def regression_history() -> pd.DataFrame:
    rows = [
        {"model": model, "seed": seed, "step": step, "k": k, "risk": 1 / (1 + step * k)}
        for model in ("linear_L1", "mine")
        for seed in (0, 1)
        for step in (0, 1, 10)
        for k in (5, 10)
    ]
    return pd.DataFrame(rows)


RISKS = pd.DataFrame({"k": [5, 10], "ols": 0.0, "one_step_optimum": 0.5, "one_step_mixture": 0.6})


def texts(figure) -> str:
    return " ".join(t.get_text() for axis in figure.axes for t in [*axis.texts, axis.title])


def test_every_model_is_labelled_in_every_panel():
    figure = regression_learning_curves(regression_history(), RISKS)
    assert texts(figure).count("linear, 1 layer") == 2
    assert texts(figure).count("mine") == 2
    assert "OLS" in texts(figure)


def test_axes_are_labelled():
    figure = regression_learning_curves(regression_history(), RISKS)
    assert figure.axes[0].get_ylabel() == "risk, MSE / d"
    assert figure.axes[-1].get_xlabel() == "training step"


@pytest.mark.parametrize(
    ("first", "step", "words"),
    [
        (30.0, 30.0, "groks at 30\n"),
        (10.0, 30.0, "groks at 10,\nfor good at 30"),
        (10.0, np.nan, "not within its budget"),
    ],
)
def test_grokking_step_is_in_the_title(first, step, words):
    history = history_of([0, 10, 30], train=[0, 1, 1], validation=[0, 0.1, 1])
    row = {"model": "m", "seed": 0, "first_reached_step": first, "grokking_step": step}
    figure = grokking_curves(history, pd.DataFrame([row]))
    assert words in texts(figure)
    dashed = [line for line in figure.axes[0].lines if line.get_linestyle() == "--"]
    assert [line.get_xdata()[0] for line in dashed] == ([10] if first < step else [])


def test_same_frame_gives_same_bytes(tmp_path):
    for name in ("first", "second"):
        figure = regression_learning_curves(regression_history(), RISKS)
        style.save(figure, tmp_path, name, "0" * 12)
    for kind in ("pdf", "png"):
        first, second = (tmp_path / f"{name}.{kind}" for name in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()


def test_labels_are_kept_apart_in_order():
    moved = panels.spread([0.0, 0.1, 5.0], 1.0)
    assert np.diff(moved).min() >= 1.0 - 1e-6
    assert moved == sorted(moved)


def test_unknown_models_get_different_colours():
    names = ["linear_L1", "mine", "yours"]
    assert len({style.colour(name, names) for name in names}) == 3
