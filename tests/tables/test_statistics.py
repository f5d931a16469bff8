import numpy as np
import pytest
from scipy import stats

from mechanics.tables.statistics import mean_over_seeds


def test_interval_is_students():
    values = np.random.default_rng(0).normal(size=5)
    estimate = mean_over_seeds(values)
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (estimate.low, estimate.high) == pytest.approx((low, high))


def test_one_seed_has_no_interval():
    estimate = mean_over_seeds([0.3])
    assert (estimate.value, estimate.n) == (0.3, 1)
    assert np.isnan(estimate.low)


def test_missing_values_are_not_counted():
    assert mean_over_seeds([1.0, np.nan, 3.0]) == mean_over_seeds([1.0, 3.0])
    assert mean_over_seeds([np.nan]).n == 0


def test_an_infinite_value_is_not_dropped():
    assert mean_over_seeds([0.1, 0.2, np.inf]).value == np.inf


def test_an_error_that_all_seeds_share_widens_the_interval():
    same = mean_over_seeds([0.3, 0.3, 0.3], shared_se=0.01)
    assert same.high - same.value == pytest.approx(0.0196, abs=1e-5)
    assert mean_over_seeds([0.1, 0.5], shared_se=0.0) == mean_over_seeds([0.1, 0.5])
