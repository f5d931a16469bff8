"""Series of one figure stay apart for the colour-blind; the same figure gives the same bytes."""

import re
from itertools import combinations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from colour_vision import SIGHT, difference, seen
from matplotlib.colors import to_rgb

from mechanics.figures import neurons, panels, style
from mechanics.study.lineage import ROOT

APART = 10  # CIEDE2000; 1 is what an observer can just see side by side
TOGETHER = {
    "networks and their measures": {**style.COLOURS, **dict(enumerate(style.OTHERS)), "": "black"},
    "clusters of neurons": dict(enumerate(neurons.CLUSTERS)),
    "weight decays and arms": {**dict(enumerate(style.ordered(5))), **style.ARMS},
}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [  # Sharma, Wu & Dalal 2005, table 1: pairs 1, 7, 13, 17, 21, 25
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, -0.001, 2.49), (50, 0.0009, -2.49), 4.8045),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((50, 2.5, 0), (50, 3.1736, 0.5854), 1.0000),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ],
)
def test_difference_is_ciede2000(one, other, expected):
    assert difference(one, other) == pytest.approx(expected, abs=1e-4)


def test_dichromats_confuse_their_colours_and_see_grey_as_grey():
    red, green = (to_rgb(c) for c in ("#B4502E", "#6F6B28"))
    assert difference(*(seen(c, "deuteranopia") for c in (red, green))) < 10
    assert difference(*(seen(c, "normal") for c in (red, green))) > 20
    for sight in SIGHT:
        assert seen(to_rgb("0.5"), sight)[1:] == pytest.approx([0, 0], abs=0.1)


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("figure", TOGETHER)
def test_series_of_one_figure_are_told_apart(figure, sight):
    shades = sorted({to_rgb(shade) for shade in TOGETHER[figure].values()})
    assert len(shades) > 2
    for one, other in combinations(shades, 2):
        assert difference(seen(one, sight), seen(other, sight)) >= APART, (one, other)


def test_page_has_the_colours_of_the_figures():
    css = (ROOT / "workflow/page/page.css").read_text()
    assert re.search(r"--gd: (#\w+);", css)[1] == style.COLOURS["linear_L1"].lower()


def test_noise_of_the_layout_does_not_reach_the_file(tmp_path):
    files = []
    for noise in (0.0, 1e-12):
        figure = plt.figure(layout="none")
        part, _ = figure.subfigures(2, 1)
        part.bbox_relative.y0 += noise
        axis = part.add_axes((0.1 + noise, 0.1, 0.8, 0.7))
        panels.label_ends(axis, {"a": (0.2, "black"), "b": (0.21, "black")})
        style.save(figure, tmp_path, "figure", "id")
        files.append([(tmp_path / f"figure.{kind}").read_bytes() for kind in ("pdf", "png")])
    assert files[0] == files[1]


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


def test_arms_are_left_out_unless_nothing_else_is_there():
    frame = pd.DataFrame({"model": ["linear_L1", "linear_L1_axis"]})
    assert panels.without_arms(frame)["model"].tolist() == ["linear_L1"]
    assert len(panels.without_arms(frame[1:])) == 1


def test_every_name_has_a_colour_in_the_order_of_the_table():
    names = ["softmax_L1", "softmax_L2", "third_L1"]
    assert style.colour("softmax_L2", names) == style.OTHERS[0]
    assert style.colour("third_L1", names) == style.OTHERS[1]
    assert style.colour("softmax_L2") == style.OTHERS[0]  # without a table: the first free one


def test_tables_without_data_are_told_apart_from_a_table_with_one_diverged_model():
    table = pd.DataFrame({"model": ["a", "b"], "seed": [0, 0], "status": ["diverged", "done"]})
    style.require_data([table, table.iloc[:0]])
    with pytest.raises(style.NothingToDraw, match="diverged seeds, not drawn: a: 1"):
        style.require_data([table[table["model"] == "a"]])
    with pytest.raises(style.NothingToDraw, match="no row"):
        style.require_data([table.iloc[:0]])
    (words,) = style.empty_frame("every seed diverged").axes[0].texts
    assert "every seed diverged" in words.get_text()


def test_every_variant_of_a_network_that_diverged_counts():
    runs = pd.DataFrame({"model": "m", "entry": ["m", "m_held"], "seed": 0, "status": "diverged"})
    assert style.diverged_note(runs) == "diverged seeds, not drawn: m: 2"


def test_the_users_matplotlibrc_changes_no_figure():
    ours = dict(mpl.rcParams)
    mpl.rcParams.update({"text.usetex": True, "savefig.bbox": "tight", "image.cmap": "jet"})
    style.use_style()
    assert dict(mpl.rcParams) == ours
