"""What the figures of Track A show, from frames whose content is known."""

import numpy as np
import pandas as pd
import pytest

from mechanics.figures import style
from mechanics.figures.algorithm_match import algorithm_match
from mechanics.figures.effective_weights import effective_weights
from mechanics.figures.regression_emergence import regression_emergence
from mechanics.figures.regression_risk_by_context import regression_risk_by_context


def words(figure) -> str:
    found = [t.get_text() for axis in figure.axes for t in [*axis.texts, axis.title]]
    below = figure._supxlabel.get_text() if figure._supxlabel else ""
    return " ".join([*found, below])


def lines(axis, colour: str) -> list[list[float]]:
    """Heights of the solid lines of one colour."""
    return [
        np.asarray(line.get_ydata()).tolist()
        for line in axis.lines
        if line.get_color() == colour and line.get_linestyle() == "-" and len(line.get_ydata()) > 1
    ]


def risks(models=(("linear_L1", 1), ("linear_L6", 6))) -> pd.DataFrame:
    rows = [
        {"model": model, "seed": seed, "status": status, "k": k, "n_layers": n_layers}
        | {"risk": risk, "risk_median": risk / 2, "ols": max(0.0, 1 - k / 10)}
        | {"risk_se": 0.01 * risk, "c_hat": 0.6 if n_layers == 1 else np.nan}
        | {"one_step_optimum": 0.5, "one_step_mixture": 0.6, "gd_free": 0.4}
        for model, n_layers in models
        for seed, status, factor in ((0, "finished", 1), (1, "finished", 3), (2, "diverged", 1e9))
        for k, risk in ((5, 0.5 * factor), (10, 0.2 * factor), (20, 0.1 * factor))
    ]
    return pd.DataFrame(rows)


def test_risk_is_the_mean_over_sound_seeds_and_diverged_ones_are_named():
    figure = regression_risk_by_context(risks())
    one_layer, deep = figure.axes
    for axis, model in ((one_layer, "linear_L1"), (deep, "linear_L6")):
        assert lines(axis, style.colour(model)) == [pytest.approx([1.0, 0.4, 0.2])]
    assert "diverged seeds, not drawn: linear, 1 layer: 1, linear, 6 layers: 1" in words(figure)
    assert "6 GD steps" in words(figure)
    assert "0 from k = 10 on" in words(figure)


def test_linear_layers_that_hide_one_another_are_shown_over_their_law():
    figure = regression_risk_by_context(risks((("linear_L1", 1), ("linear_L1_axis", 1))))
    together, over_law = figure.axes
    assert lines(together, style.colour("linear_L1_axis")) == []
    drawn = [bars.lines[0].get_xydata() for bars in over_law.containers]
    assert [own[:, 1] for own in drawn] == [pytest.approx(np.array([1.0, 0.4, 0.2]) / 0.6)] * 2
    assert (drawn[0][:, 0] < drawn[1][:, 0]).all()


def test_a_study_of_one_layer_networks_has_one_panel():
    frame = risks()
    assert len(regression_risk_by_context(frame[frame["n_layers"] == 1]).axes) == 1


def effective(models=("linear_L1", "deep_L6")) -> pd.DataFrame:
    rows = [
        {"model": model, "seed": seed, "status": "finished", "step": step}
        | {"c_hat": 0.1 * step if model == "linear_L1" else np.nan, "c_star": 0.6}
        | {"correlation_gd": 0.5 + 0.1 * seed, "correlation_ols": 0.4, "correlation_null": 0.8}
        | {"correlation_shuffled": 0.05, "correlation_untrained": 0.01}
        for model in models
        for seed in (0, 1, 2)
        for step in (0, 1, 5)
    ]
    extra = rows[0] | {"step": 3, "correlation_gd": -1.0}  # a checkpoint that one seed alone has
    return pd.DataFrame([*rows, extra])


def test_correlations_are_medians_at_the_checkpoints_that_all_seeds_have():
    gd, _, size = effective_weights(effective()).axes
    assert lines(gd, style.colour("linear_L1")) == [pytest.approx([0.6, 0.6])]
    assert lines(size, style.colour("linear_L1")) == [pytest.approx([0.1, 0.5])]
    assert lines(size, style.colour("deep_L6")) == []


def test_nulls_and_the_law_of_the_step_size_are_named():
    text = words(effective_weights(effective()))
    for name in ("null: w itself", "null: y shuffled", "c* of the law"):
        assert name in text


def test_a_study_without_a_single_linear_layer_has_no_step_size():
    figure = effective_weights(effective(models=["deep_L6"]))
    assert "c* of the law" not in words(figure)


def match(lengths=(10, 20, 50)) -> pd.DataFrame:
    rows = [
        {"model": model, "algorithm": name, "k": k, "preds_diff": value, "nearest": value == 0.1}
        for model, values in (("linear_L1", (0.1, 0.9)), ("deep_L6", (0.8, 0.1)))
        for name, value in zip(("one-step GD", "OLS"), values, strict=True)
        for k in lengths
    ]
    return pd.DataFrame(rows)


def by_step(lengths=(10, 20, 50)) -> pd.DataFrame:
    frame = match(lengths)
    return pd.concat([frame.assign(step=step) for step in (0, 1, 10)])


def test_the_ring_is_on_the_nearest_algorithm():
    panel = algorithm_match(match(), by_step()).axes[0]
    assert panel.get_title() == "k = 10"
    rings = {(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in panel.lines}
    assert rings == {(0.0, 0.0), (1.0, 1.0)}  # linear: one-step GD, deep: OLS


def test_other_context_lengths_are_drawn_where_the_usual_ones_are_missing():
    figure = algorithm_match(match(lengths=[7]), by_step(lengths=[7]))
    assert "k = 7" in words(figure)


def test_every_seed_has_its_width_and_a_missing_transition_is_said():
    transitions = pd.DataFrame(
        [
            {"task": task, "model": "linear_L1", "seed": seed, "status": "finished"}
            | {"transition_width": width, "transition_steps": width * 100}
            | {"share_of_training": width / 10}
            for task, widths in (
                ("linear_regression", (0.5, 0.7)),
                ("modular_addition", (0.2, np.nan)),
            )
            for seed, width in enumerate(widths)
        ]
    )
    curves = pd.concat([transitions.assign(step=step, loss=(step + 1.0)) for step in (0, 1, 10)])
    figure = regression_emergence(transitions, curves)
    drawn = [[line.get_xdata().tolist() for line in axis.lines] for axis in figure.axes[-3:]]
    assert drawn[0] == [[0.5, 0.7], [0.2]]
    assert drawn[1] == [[50.0, 70.0], [20.0]]
    assert "1 of 2: none" in words(figure)
    assert lines(figure.axes[0], style.colour("linear_L1")) == [[2 / 11, 1.0], [2 / 11, 1.0]]
