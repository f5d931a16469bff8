"""The second page: rows of the comparative table by network and task, pictures and captions."""

import docutils.utils
import numpy as np
import pandas as pd
import pytest
from small_study import comparison_rows, write_picture

from mechanics.figures import registry
from mechanics.report.page.evidence import caption_html, grouped, read_picture


def test_references_stand_beside_one_value():
    rows = comparison_rows("linear_regression") + comparison_rows("modular_addition")
    group, other = grouped(pd.DataFrame(rows))
    assert group["configuration"] == "Linear Attention (L=1)"
    assert (group["task"], other["task"]) == ("linear_regression", "modular_addition")
    (line,) = group["lines"]
    assert (line["value"], line["interval"]) == ("0.6543", "0.6 – 0.7")
    assert line["references"] == [("OLS", "0.5"), ("one-step optimum r*", "0.6111")]


def test_a_value_of_no_seed_is_said_so():
    rows = pd.DataFrame(comparison_rows("t")).assign(n_seeds=0, value=np.nan, ci_low=np.nan)
    ((line,),) = (group["lines"] for group in grouped(rows))
    assert (line["value"], line["interval"]) == ("no seed", "")


def test_an_interpretation_stands_once_beside_the_metrics_that_share_it():
    rows, said = pd.DataFrame(comparison_rows("t")), {10: "a step", 20: "a step", 50: "many"}
    of_metrics = [rows.assign(metric=f"k = {k}", interpretation=own) for k, own in said.items()]
    (group,) = grouped(pd.concat(of_metrics))
    found = [(line["interpretation"], line["n_lines"]) for line in group["lines"]]
    assert found == [("a step", 2), ("a step", 0), ("many", 1)]


def test_a_picture_has_the_size_of_its_file_and_the_words_of_its_module(tmp_path, monkeypatch):
    write_picture(tmp_path / "a.png")
    (tmp_path / "a_figure.rst").write_text("Short.\n\nWhat is seen. And *more*.\n")
    monkeypatch.setattr(registry, "CAPTIONS", tmp_path)
    picture = read_picture("a", tmp_path / "a.png", [], "Track A")
    assert (picture["width"], picture["height"]) == (1400, 700)
    assert picture["caption"] == "<p>What is seen. And <em>more</em>.</p>"
    assert picture["alt"] == "Short, Track A. What is seen."


def test_a_broken_caption_is_an_error():
    with pytest.raises(docutils.utils.SystemMessage, match="Inline emphasis"):
        caption_html("*open")


def test_every_figure_has_a_title_and_a_caption_that_can_be_read():
    for own in (*registry.FIGURES.values(), registry.OF_A_SWEEP):
        for name in own:
            assert registry.title(name) and caption_html(registry.caption(name)), name
