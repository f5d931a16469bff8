import numpy as np
import pytest
from scipy import stats

from mechanics.tables.statistics import mean_over_seeds, share_of_seeds


def test_interval_is_students():
    values = np.random.default_rng(0).normal(size=5)
    estimate = mean_over_seeds(values)
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (estimate.low, estimate.high) == pytest.approx((low, high))


@pytest.mark.parametrize("values", [[0.3], [1.0, 1.0, 1.0]])
def test_one_seed_and_seeds_that_are_all_equal_have_no_interval(values):
    estimate = mean_over_seeds(values)
    assert (estimate.value, estimate.n) == (values[0], len(values))
    assert np.isnan(estimate.low)


def test_missing_values_are_not_counted():
    assert mean_over_seeds([1.0, np.nan, 3.0]) == mean_over_seeds([1.0, 3.0])
    assert mean_over_seeds([np.nan]).n == share_of_seeds(0, 0).n == 0


def test_an_infinite_value_is_not_dropped():
    assert mean_over_seeds([0.1, 0.2, np.inf]).value == np.inf


@pytest.mark.parametrize(
    ("did", "n", "low", "high"),
    [(3, 3, 0.368, 1.0), (0, 2, 0.0, 0.776), (4, 5, 0.284, 0.995)],
)
def test_shares_of_seeds_have_an_exact_interval(did, n, low, high):
    estimate = share_of_seeds(did, n)
    assert (estimate.value, estimate.n) == (did / n, n)
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=1e-3)
    if did not in (0, n):
        exact = stats.binomtest(did, n).proportion_ci(0.95, method="exact")
        assert (estimate.low, estimate.high) == pytest.approx((exact.low, exact.high))


def test_an_error_that_all_seeds_share_widens_the_interval():
    alone = mean_over_seeds([0.2, 0.4])
    wider = mean_over_seeds([0.2, 0.4], shared_se=1.0)
    half = np.hypot(alone.high - alone.value, 1.95996)
    assert wider.high - wider.value == pytest.approx(half, abs=1e-4)
