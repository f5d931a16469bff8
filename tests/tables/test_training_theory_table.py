"""The summary of a predicted and a measured training, on curves known by construction."""

import pandas as pd
import pytest
from helpers import regression_settings
from measured import replicas

from mechanics.regression.laws.risk import one_step_risk, optimal_step_size
from mechanics.tables.training_theory import compare, fits

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


def record(status: str = "finished", **changes) -> dict:
    settings = regression_settings(**{"weight_decay": 0.0, "gradient_clip": None} | changes)
    return {"settings": settings, "replicas": replicas(status)}


def test_the_theory_is_of_one_linear_layer_that_adam_alone_has_trained():
    assert fits(record())
    others = [{"standard_tokens": True}, {"gradient_clip": 1.0}, {"weight_decay": 0.1}]
    others += [{"trained_on": "moments"}, {"noise": 0.5}, {"n_layers": 2}, {"status": "diverged"}]
    assert not any(fits(record(**changes)) for changes in others)
