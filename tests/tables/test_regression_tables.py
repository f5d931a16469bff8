"""Tables of regression networks: nearest algorithms and filters, and means beside their nulls."""

import pandas as pd
import pytest
from helpers import regression_settings
from measured import filters, replicas, write_run

from mechanics.regression.laws.risk import gradient_cosine
from mechanics.tables import regression
from mechanics.tables.study import Study

SEEDS = pd.DataFrame({"seed": range(3), "status": ["finished", "finished", "diverged"]})
SEEDS = SEEDS.assign(model="m", k=10, OLS=[0.1, 0.3, 9.0], zero=[0.4, 0.2, 0.0])  # their distances
DISTANCES = SEEDS.melt(["model", "seed", "status", "k"], None, "algorithm", "preds_diff")
FILTERS = pd.concat(
    filters(OLS=own.OLS, zero=own.zero).assign(seed=own.seed, status=own.status, model="m")
    for own in SEEDS.itertuples()
)


@pytest.mark.parametrize(
    ("make", "of_seeds", "distance"),
    [
        (regression.match, DISTANCES, "preds_diff"),
        (regression.nearest_filters, FILTERS, "distance"),
    ],
)
def test_the_nearest_is_that_of_the_mean_over_sound_seeds(make, of_seeds, distance):
    table = make(of_seeds).set_index("algorithm")
    assert table[distance].to_dict() == pytest.approx({"OLS": 0.2, "zero": 0.3})
    assert table["nearest"].to_dict() == {"OLS": True, "zero": False}
    assert table["n_seeds"].tolist() == [2, 2]
    alone = make(of_seeds[of_seeds["status"] == "diverged"])
    assert alone.empty
    assert {"model", "algorithm", "k", distance, "nearest"} <= set(alone.columns)


def test_the_step_of_a_layer_that_counts_zero_tokens_has_its_law():
    """It divides by k + d + 1, so that a step of size 1 is the best at every k."""
    settings = {"m": regression_settings(standard_tokens=True)}
    risks = pd.DataFrame({"model": "m", "seed": 0, "status": "finished", "k": [4, 8], "c_hat": 1.0})
    measured = ["risk", "risk_se", "risk_sampled", "risk_median", "diverged_share", "isotropy"]
    table = regression.beside_laws(risks.assign(**dict.fromkeys(measured, 0.0)), settings)
    assert table["c_star"].tolist() == pytest.approx([1, 1])
    assert table["risk_at_c_hat"].tolist() == pytest.approx([4 / 8, 4 / 12])
    assert table["one_step_optimum"].tolist() == pytest.approx([4 / 8, 4 / 12])


def test_effective_weights_are_means_over_k_beside_their_nulls():
    rows = [(0, 4, 0.0), (0, 8, 0.1), (9, 4, 0.9), (9, 8, 1.0)]
    measured = pd.DataFrame(rows, columns=["step", "k", "correlation_gd"])
    measured = measured.assign(model="m", seed=0, status="finished")
    others = ("c_hat", "isotropy", "correlation_ols", "correlation_shuffled")
    measured = measured.assign(**dict.fromkeys(others, 0.5))
    table = regression.over_lengths(measured, {"m": regression_settings()})
    assert table["correlation_gd"].tolist() == pytest.approx([0.05, 0.95])
    null = (gradient_cosine(3, 4) + gradient_cosine(3, 8)) / 2
    assert table["correlation_null"].tolist() == pytest.approx([null, null])


def test_the_distance_is_the_root_mean_square_over_bins():
    frame = filters(OLS=1.0)
    frame.loc[(frame["algorithm"] == "OLS") & (frame["bin"] == 1), "filter"] = 0.5
    row = regression.filter_distances(frame, ["seed"]).iloc[0]
    assert row["distance"] == pytest.approx((1.25 / 2) ** 0.5)
    assert (row["largest"], row["unexplained"], row["penalty"]) == (1.0, 0.25, 0.1)


def test_a_study_of_task_diversity_alone_has_none_of_the_tables_of_risk(tmp_path):
    settings, place = regression_settings(n_tasks=2), "linear_regression/tasks/0"
    run = write_run(tmp_path, place, replicas("finished"), settings)
    assert regression.tables(Study(tmp_path, [run])) == {}
