"""What is packed comes back, within the stated loss."""

import numpy as np
import pytest
from small_study import read_bytes

from mechanics.report.page.pack import as_json, planes_as_text, rounded, shares_as_text


def test_what_is_not_finite_is_no_number():
    assert rounded([1.23456, np.nan, np.inf]) == [1.235, None, None]


def test_shares_come_back():
    shares = np.array([[0.0, 0.25], [1.0, np.nan]])
    read = read_bytes(shares_as_text(shares), "<u2") / 65535
    np.testing.assert_allclose(read, [0, 0.25, 1, 0], atol=1 / 65535)


def test_planes_come_back_within_half_a_unit_and_an_empty_one_as_zeros():
    points = np.random.default_rng(0).normal(size=(3, 7, 2)) * [[[1]], [[1e-4]], [[0]]]
    text, units = planes_as_text(points)
    read = read_bytes(text, "i1").reshape(points.shape)
    np.testing.assert_allclose(read * np.reshape(units, (3, 1, 1)), points, atol=units[0] / 1.9)
    np.testing.assert_allclose(read[1] * units[1], points[1], atol=units[1] / 1.9)
    assert (read[2] == 0).all()


def test_json_does_not_end_its_element():
    assert "</script" not in as_json({"text": "</script>"})
    with pytest.raises(ValueError, match="not JSON compliant"):
        as_json(float("nan"))
