"""The summary of a predicted and a measured training, on curves known by construction."""

import pandas as pd
import pytest

from mechanics.regression.laws.risk import one_step_risk, optimal_step_size
from mechanics.tables.training_theory import compare

SETTINGS = {"d": 10, "k_min": 5, "k_max": 50}


def falling(drop: int) -> pd.DataFrame:
    """From 1 to the risk of the best step, in proportion to the steps around ``drop``."""
    best = one_step_risk(optimal_step_size(10, range(5, 51)), 10, 50)
    return pd.DataFrame(
        {"step": step, "k": 50, "seed": 0, "risk": 1 + (best - 1) * share}
        for step, share in ((0, 0.0), (drop - 10, 0.0), (drop + 10, 1.0), (400, 1.0))
    )


def test_the_drop_is_half_way_and_its_ratio_measured_over_predicted():
    grid = pd.DataFrame({"step": range(0, 401), "k": 50, "seed": 0})
    curves = [grid.merge(falling(drop), how="left").interpolate() for drop in (100, 150)]
    (row,) = compare("arm", *curves, SETTINGS)
    assert (row["predicted"], row["measured"]) == pytest.approx((100, 150))
    assert row["measured_over_predicted"] == pytest.approx(1.5)
    best = curves[0]["risk"].min()
    assert row["largest_deviation"] == pytest.approx(1 / best - 1)


def test_alike_curves_do_not_deviate():
    (row,) = compare("arm", falling(100), falling(100), SETTINGS)
    assert (row["measured_over_predicted"], row["largest_deviation"]) == (1, 0)
