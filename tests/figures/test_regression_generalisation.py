"""What the figure of shifted prompts shows, from a frame whose content is known."""

import numpy as np
import pandas as pd
import pytest
from drawn import lines, words

from mechanics.figures.regression_generalisation import regression_generalisation

VALUES = {
    "context_length": (5.0, 50.0, 200.0),
    "input_scale": (0.5, 1.0, 2.0),
    "weight_scale": (0.5, 1.0, 2.0),
    "covariance": (0.0, 1.0),
    "noise": (0.0, 0.5, 5.0),
}
LEVEL = {"linear_L1": 0.5, "linear_L2": 0.2, "mine": 0.4}


def rows(model: str, seed: int = 0, status: str = "finished", d_max: bool = False) -> pd.DataFrame:
    found = [
        (shift, value, int(value) if shift == "context_length" else 50, "trained", 10)
        for shift, values in VALUES.items()
        for value in values
    ]
    if d_max:
        found += [("dimension", d, k, "axis", d) for k in (5, 10, 20, 50) for d in (5, 10, 20)]
    level = LEVEL[model] * (1 + 0.1 * seed)
    law = level * 1.01 if model == "linear_L1" else np.nan
    table = pd.DataFrame(found, columns=["shift", "value", "k", "arm", "d"])
    table = table.assign(model=model, seed=seed, status=status, n_prompts=8)
    return table.assign(risk=level, law=law, ols=1e-14)


def draw(*parts: pd.DataFrame):
    return regression_generalisation(pd.concat(parts, ignore_index=True))


def panel(figure, title: str):
    return next(axis for axis in figure.axes if axis.get_title() == title)


def test_all_models_are_drawn_where_contexts_grow_and_few_elsewhere():
    figure = draw(rows("linear_L1"), rows("linear_L2"))
    longer = panel(figure, "longer contexts")
    assert words(longer) == ["linear, 1 layer", "linear, 2 layers"]
    assert words(panel(figure, "noise in the context")) == ["linear, 1 layer"]
    assert len([axis for axis in figure.axes if axis.get_visible()]) == 4
    assert (longer.get_ylabel(), longer.get_xlabel()) == ("risk, MSE / E[y²]", "context length k")
    box = longer.patches[0].get_extents().transformed(longer.transData.inverted())
    assert (box.x0, box.x1) == pytest.approx((5, 50))  # the trained range is shaded


def test_line_is_the_mean_of_sound_seeds_and_dashes_are_the_law():
    lost = rows("linear_L1", seed=9, status="diverged")
    figure = draw(rows("linear_L1"), rows("linear_L1", seed=1), lost)
    axis = panel(figure, "inputs of another scale")
    assert any(line == pytest.approx([0.525] * 3) for line in lines(axis))
    assert lines(axis, dashes="--") == [pytest.approx([0.525 * 1.01] * 3)]
    assert len(lines(axis, dashes=":")) == 1
    assert max(map(max, lines(panel(figure, "longer contexts")))) == pytest.approx(0.525)
    assert "linear, 1 layer: 1" in figure.legends[0].get_title().get_text()
    without_law = panel(draw(rows("mine")), "longer contexts")
    assert not lines(without_law, dashes="--")


def test_dimension_has_a_line_for_each_of_the_longest_contexts():
    figure = draw(rows("linear_L1"), rows("mine", d_max=True))
    axis = panel(figure, "trained on the first coordinates")
    assert words(axis) == ["k = 10", "k = 20", "k = 50", "mine"]  # of which network
    assert words(panel(figure, "longer contexts")) == ["linear, 1 layer"]
    marked = [line.get_xdata()[0] for line in axis.lines if len(set(line.get_xdata())) == 1]
    assert marked == [10]


def test_line_that_goes_to_infinity_has_its_name():
    mine = rows("mine")
    mine.loc[mine["value"] == 2.0, "risk"] = np.inf
    axis = panel(draw(rows("linear_L1"), mine), "inputs of another scale")
    assert words(axis) == ["linear, 1 layer", "mine"]


def test_labels_of_an_axis_have_room_and_the_largest_value_has_one():
    own = rows("linear_L1")
    more = [own[:1].assign(value=float(k), k=k) for k in (10, 20, 100, 150)]
    axis = panel(draw(own, *more), "longer contexts")
    assert axis.get_xticks().tolist() == [5, 10, 20, 50, 200]
