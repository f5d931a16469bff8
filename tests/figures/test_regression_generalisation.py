"""What the figure of shifted prompts shows, from a frame whose content is known."""

import numpy as np
import pandas as pd
import pytest

from mechanics.figures.regression_generalisation import regression_generalisation

VALUES = {
    "context_length": (5.0, 50.0, 200.0),
    "input_scale": (0.5, 1.0, 2.0),
    "weight_scale": (0.5, 1.0, 2.0),
    "covariance": (0.0, 1.0),
    "noise": (0.0, 0.5, 5.0),
}
LEVEL = {"linear_L1": 0.5, "linear_L2": 0.2, "mine": 0.4}


def rows(model: str, seed: int = 0, status: str = "finished", d_max: bool = False) -> list[dict]:
    common = {"model": model, "seed": seed, "status": status, "n_prompts": 8}
    found = [
        {"shift": shift, "value": value, "k": int(value) if shift == "context_length" else 50}
        | {"arm": "trained", "d": 10}
        for shift, values in VALUES.items()
        for value in values
    ]
    if d_max:
        found += [
            {"shift": "dimension", "value": float(d), "k": k, "arm": "axis", "d": d}
            for k in (5, 10, 20, 50)
            for d in (5, 10, 20)
        ]
    level = LEVEL[model] * (1 + 0.1 * seed)
    law = level * 1.01 if model == "linear_L1" else np.nan
    return [{**common, **row, "risk": level, "law": law, "ols": 1e-14} for row in found]


def draw(*parts: list[dict]):
    return regression_generalisation(pd.DataFrame([row for part in parts for row in part]))


def panel(figure, title: str):
    return next(axis for axis in figure.axes if axis.get_title() == title)


def lines(axis, kind: str) -> list[np.ndarray]:
    return [line.get_ydata() for line in axis.lines if line.get_linestyle() == kind]


def words(axis) -> set[str]:
    return {text.get_text() for text in axis.texts}


def test_all_models_are_drawn_where_contexts_grow_and_few_elsewhere():
    figure = draw(rows("linear_L1"), rows("linear_L2"))
    assert words(panel(figure, "longer contexts")) == {"linear, 1 layer", "linear, 2 layers"}
    assert words(panel(figure, "noise in the context")) == {"linear, 1 layer"}
    assert len([axis for axis in figure.axes if axis.get_visible()]) == 4


def test_line_is_the_mean_of_seeds_and_dashes_are_the_law():
    axis = panel(draw(rows("linear_L1"), rows("linear_L1", seed=1)), "inputs of another scale")
    mean, law = [0.525] * 3, [0.525 * 1.01] * 3
    assert any(np.allclose(line, mean) for line in lines(axis, "-") if len(line) == 3)
    assert np.allclose(lines(axis, "--"), [law])
    assert len(lines(axis, ":")) == 1


def test_models_without_law_have_no_dashes():
    axis = panel(draw(rows("mine")), "longer contexts")
    assert all(len(line) == 0 for line in lines(axis, "--"))


def test_trained_range_is_shaded():
    axis = panel(draw(rows("linear_L1")), "longer contexts")
    box = axis.patches[0].get_extents().transformed(axis.transData.inverted())
    assert (box.x0, box.x1) == pytest.approx((5, 50))


def test_dimension_has_a_line_for_each_of_the_longest_contexts():
    figure = draw(rows("linear_L1"), rows("mine", d_max=True))
    axis = panel(figure, "trained on the first coordinates")
    assert words(axis) == {"k = 10", "k = 20", "k = 50"}
    assert words(panel(figure, "longer contexts")) == {"linear, 1 layer"}
    marked = [line.get_xdata()[0] for line in axis.lines if len(set(line.get_xdata())) == 1]
    assert marked == [10]


def test_diverged_seeds_are_named_and_not_drawn():
    figure = draw(rows("linear_L1"), rows("linear_L1", seed=9, status="diverged"))
    axis = panel(figure, "longer contexts")
    assert max(line.max() for line in lines(axis, "-")) == pytest.approx(0.5)
    assert "linear, 1 layer: 1" in figure.legends[0].get_title().get_text()


def test_nothing_but_diverged_seeds_is_refused():
    with pytest.raises(ValueError, match="no finished seed"):
        draw(rows("linear_L1", status="diverged"))


def test_axes_are_labelled():
    figure = draw(rows("linear_L1"))
    assert figure.axes[0].get_ylabel() == "risk, MSE / E[y²]"
    assert panel(figure, "longer contexts").get_xlabel() == "context length k"
