"""Captions and pictures."""

import base64
from io import BytesIO

import docutils.utils
import numpy as np
import pytest
from PIL import Image
from small_study import ROOT, write_picture

from mechanics.report.page.figures import TITLES, caption_html, read_picture


def test_the_picture_has_the_pixels_of_its_file(tmp_path):
    write_picture(tmp_path / "a.png")
    (tmp_path / "a.rst").write_text("What is seen. And *more*.\n")
    picture = read_picture("a", tmp_path / "a.png", tmp_path / "a.rst", [], "Track A")
    kind, _, text = picture.source.partition(",")
    assert kind == "data:image/webp;base64"
    shown = Image.open(BytesIO(base64.b64decode(text)))
    assert np.array_equal(shown.convert("RGB"), Image.open(tmp_path / "a.png").convert("RGB"))
    assert picture.caption == "<p>What is seen. And <em>more</em>.</p>"
    assert picture.alt == "A, Track A. What is seen."


def test_a_broken_caption_is_an_error():
    with pytest.raises(docutils.utils.SystemMessage, match="Inline emphasis"):
        caption_html("*open")


@pytest.mark.parametrize("name", TITLES)
def test_every_titled_figure_has_a_caption_that_can_be_read(name):
    assert caption_html((ROOT / f"workflow/report/{name}.rst").read_text())
