"""What the page is told of a study's networks; what is packed comes back."""

import numpy as np
import pandas as pd
import pytest
from small_study import read_bytes, write_study

from mechanics.report.page.networks import prompts
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


def test_the_best_smoother_is_that_of_one_head(tmp_path):
    study, _ = write_study(tmp_path, ("linear_regression",))
    rows = [("softmax_L1_2heads", 0, 0.2, 1.6), ("softmax_L1_2heads", 1, 0.2, 1.6)]
    rows.append(("softmax_L1", 0, 0.5, 1.1))
    columns = ["model", "head", "omega_optimum", "scale_optimum"]
    pd.DataFrame(rows, columns=columns).to_csv(study / "tables/kernel_smoother.csv", index=False)
    assert prompts(study)["smoother"] == {"omega": 0.5, "scale": 1.1}
