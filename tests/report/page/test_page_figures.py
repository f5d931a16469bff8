"""Captions and pictures."""

import docutils.utils
import pytest
from small_study import write_picture

from mechanics.figures import registry
from mechanics.report.page.figures import caption_html, read_picture


def test_a_picture_has_the_size_of_its_file_and_the_words_of_its_module(tmp_path, monkeypatch):
    write_picture(tmp_path / "a.png")
    (tmp_path / "a_figure.rst").write_text("Short.\n\nWhat is seen. And *more*.\n")
    monkeypatch.setattr(registry, "CAPTIONS", tmp_path)
    picture = read_picture("a", tmp_path / "a.png", [], "Track A")
    assert (picture.width, picture.height) == (1400, 700)
    assert picture.caption == "<p>What is seen. And <em>more</em>.</p>"
    assert picture.alt == "Short, Track A. What is seen."


def test_a_broken_caption_is_an_error():
    with pytest.raises(docutils.utils.SystemMessage, match="Inline emphasis"):
        caption_html("*open")


@pytest.mark.parametrize("name", [name for own in registry.FIGURES.values() for name in own])
def test_every_figure_has_a_title_and_a_caption_that_can_be_read(name):
    assert registry.title(name)
    assert caption_html(registry.caption(name))
