"""Names at the ends of lines, and what is left out."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from mechanics.figures import panels, style


def test_names_at_the_ends_of_lines_do_not_overprint_one_another():
    figure, axis = plt.subplots(figsize=(3, 2))
    axis.set_ylim(0, 1)
    ends = {"upper": 0.51, "middle": 0.5, "two\nlines": 0.49, "outside": 7.0, "none": np.nan}
    panels.label_ends(axis, {name: (height, "black") for name, height in ends.items()})
    style.settle(figure)
    places = {text.get_text(): text.xy[1] for text in axis.texts}
    order = [places[name] for name in ("outside", "upper", "middle", "two\nlines")]
    assert order == sorted(order, reverse=True)
    assert "none" not in places
    boxes = sorted(text.get_window_extent().y0 for text in axis.texts)
    assert np.diff(boxes).min() > 0
    assert max(order) <= 1


def test_the_first_seed_that_grokked_is_shown():
    runs = pd.DataFrame({"model": "m", "seed": [0, 1], "status": ["censored", "grokked"]})
    assert panels.shown_seed(runs, "m") == 1
    assert panels.shown_seed(runs.assign(status="finished"), "m") == 0


def test_arms_are_left_out_unless_nothing_else_is_there():
    frame = pd.DataFrame({"model": ["linear_L1", "linear_L1_axis"]})
    assert panels.without_arms(frame)["model"].tolist() == ["linear_L1"]
    assert len(panels.without_arms(frame[1:])) == 1
