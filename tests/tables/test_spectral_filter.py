"""The distance between filters is the one that was planted."""

import pandas as pd
import pytest
from measured import filters

from mechanics.tables.spectral_filter import filter_distances, tabulate


def test_the_distance_is_the_root_mean_square_over_bins():
    frame = filters(OLS=1.0)
    frame.loc[(frame["algorithm"] == "OLS") & (frame["bin"] == 1), "filter"] = 0.5
    row = filter_distances(frame, ["seed"]).iloc[0]
    assert row["distance"] == pytest.approx((1.25 / 2) ** 0.5)
    assert (row["largest"], row["unexplained"], row["penalty"]) == (1.0, 0.25, 0.1)


def test_the_nearest_is_that_of_the_mean_over_sound_seeds():
    parts = [
        filters(OLS=0.1, zero=0.4),
        filters(OLS=0.3, zero=0.2).assign(seed=1),
        filters(OLS=9.0, zero=0.0).assign(seed=2, status="diverged"),
    ]
    frame = pd.concat(parts, ignore_index=True).fillna({"status": "finished"})
    table = tabulate(frame.assign(model="m")).set_index("algorithm")
    assert table["distance"].to_dict() == pytest.approx({"OLS": 0.2, "zero": 0.3})
    assert table.loc["OLS", ["distance_least", "distance_most"]].tolist() == pytest.approx(
        [0.1, 0.3]
    )
    assert table["nearest"].to_dict() == {"OLS": True, "zero": False}
    assert (table["n_seeds"] == 2).all()
