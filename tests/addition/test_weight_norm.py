"""Peak and steepest fall are where they were planted."""

import math

import numpy as np
import pytest

from mechanics.addition.weight_norm import WINDOW, norm_moments

STEPS = np.arange(0, 10001, 100)


def planted(centre: float, width: float = 300.0) -> np.ndarray:
    """Rises to 2,000 by step 1,000, and falls by 1,000 around ``centre``."""
    rise = 2000 * np.minimum(1, STEPS / 1000)
    return rise - 1000 / (1 + np.exp(-(STEPS - centre) / width))


BEFORE, SPIKE = 5000 * (STEPS <= 200), 300 * (STEPS == 3000)


@pytest.mark.parametrize("added", [0 * STEPS, BEFORE, SPIKE], ids=["none", "before", "spike"])
def test_the_steepest_fall_is_at_the_centre_of_a_logistic_fall_and_others_do_not_count(added):
    """One before memorisation, and one of a single measurement, less than the fall that stays."""
    found = norm_moments(STEPS, planted(6000) + added, 1000.0, 6500.0)
    assert found["steepest_fall_step"] == pytest.approx(6000, abs=100)
    assert found["norm_squared_at_grokking"] == pytest.approx(planted(6000)[65])
    assert found["norm_squared_final"] == pytest.approx(1000, rel=0.01)
    if not added.any():
        assert found["norm_squared_peak"] == pytest.approx(2000, rel=0.01)


def test_an_early_large_fall_and_a_later_one_that_is_relatively_steeper():
    """From 4,000 to 3,000 at step 2,000, a quarter; from 3,000 to 2,200 at 6,000, more than that.

    The roots fall by 8.5 and by 7.9, so ‖θ‖₂ sides with Σθ² here.
    """
    late = 1 / (1 + np.exp(-(STEPS - 6000) / 100.0))
    early = 1 / (1 + np.exp(-(STEPS - 2000) / 100.0))
    found = norm_moments(STEPS, 4000 - 1000 * early - 800 * late, 1000.0, 6200.0)
    assert found["steepest_fall_step"] == pytest.approx(2000, abs=100)
    assert found["steepest_l2_fall_step"] == pytest.approx(2000, abs=100)
    assert found["steepest_relative_fall_step"] == pytest.approx(6000, abs=100)
    later = norm_moments(STEPS, 4000 - 1000 * early - 950 * late, 1000.0, 6200.0)
    assert later["steepest_fall_step"] == pytest.approx(2000, abs=100)
    assert later["steepest_l2_fall_step"] == pytest.approx(6000, abs=100)  # by 9.5


def test_what_never_happened_is_nan():
    rising = norm_moments(STEPS, 1.0 + STEPS, 1000.0, math.nan)
    assert math.isnan(rising["steepest_relative_fall_step"])
    assert math.isnan(rising["norm_squared_at_grokking"])
    held, short = 3600 * (1 - 1e-6 * (STEPS > 5000)), STEPS[STEPS < WINDOW]
    for found in (
        rising,
        norm_moments(STEPS, held, 1000.0, math.nan),
        norm_moments(STEPS, planted(6000), math.nan, math.nan),
        norm_moments(short, -short.astype(float), 0.0, math.nan),
    ):
        assert math.isnan(found["steepest_fall_step"])
