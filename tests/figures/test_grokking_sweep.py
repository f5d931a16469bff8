"""The sweep's figure from a frame whose content is known."""

import math

import pandas as pd

from mechanics.figures.grokking_sweep import grokking_sweep

COLUMNS = ["train_fraction", "weight_decay", "seed", "status", "grokking_step", "last_step"]
RUNS = [
    (0.3, 1.0, 0, "grokked", 1000.0, 2000),
    (0.3, 1.0, 1, "grokked", 3000.0, 4000),
    (0.3, 0.0, 0, "censored", math.nan, 5000),
    (0.3, 0.0, 1, "grokked", 4000.0, 5000),
    (0.5, 1.0, 0, "censored", math.nan, 5000),
    (0.5, 1.0, 1, "diverged", math.nan, 50),
]


def test_figure_has_a_panel_for_each_fraction_and_a_median_where_half_grokked():
    figure = grokking_sweep(pd.DataFrame(RUNS, columns=COLUMNS).assign(model="softmax_L1"))
    *panels, grid = figure.axes
    assert [axis.get_title() for axis in panels] == ["0.3 of the pairs", "0.5 of the pairs"]
    assert len(panels[0].lines) == 3  # two curves, one censored run
    words = {text.get_text() for text in grid.texts}
    assert words == {"1,000  (2/2)", "4,000  (1/2)", "–  (0/1)"}
    assert "softmax, 1 layer: 1" in figure.get_supxlabel()
