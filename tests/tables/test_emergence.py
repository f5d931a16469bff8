"""The width of a transition is the one that was planted."""

import math

import numpy as np
import pandas as pd
import pytest

from mechanics.tables.emergence import fall, regression_loss, transition


def test_logistic_of_log_step_has_its_known_width():
    """1/(1 + (s₀/s)^a) passes 10 % and 90 % at s₀·9^∓(1/a): a width of 2·log10(9)/a decades."""
    steps, middle, slope = np.geomspace(1, 1e6, 4001), 1000.0, 4.0
    found = transition(steps, 1 / (1 + (middle / steps) ** slope), least_gain=0.1)
    assert found.transition_width == pytest.approx(2 * math.log10(9) / slope, abs=1e-4)
    start, end = (middle * 9 ** (sign / slope) for sign in (-1, 1))
    assert (found.start_step, found.end_step) == pytest.approx((start, end), rel=1e-3)
    assert found.transition_steps == pytest.approx(end - start, rel=1e-3)
    assert found.share_of_training == pytest.approx((end - start) / 1e6, rel=1e-3)


def test_a_rise_that_is_lost_again_has_not_ended():
    values = np.array([0.0, 0.0, 1.0, 0.2, 1.0])
    found = transition(np.array([0, 10, 100, 1000, 10000]), values, least_gain=0.1)
    assert found.start_step < 100
    assert found.end_step > 1000


def test_no_gain_is_no_transition_and_a_loss_that_ends_where_it_began_has_not_fallen():
    for values in ([0.5, 0.5, 0.55], [0.5, 0.2, 0.1], [0.1, math.nan, math.nan], [0.3]):
        found = transition(np.arange(len(values)), np.array(values), least_gain=0.1)
        assert math.isnan(found.transition_width)
    for values in ([5, 20, 4.8], [5, 4.9, math.nan], [5, 20, 20], [0, 0, 0]):
        assert math.isnan(fall(pd.Series(values, [0, 1, 2])).transition_steps)


def test_a_loss_falls_from_its_maximum():
    """Up from 5 to 20 by memorising, then down to 0 in proportion to the steps 100 … 200."""
    steps = np.arange(0, 401, 10)
    loss = pd.Series(np.interp(steps, [0, 20, 100, 200], [5, 20, 20, 0]), steps)
    found = fall(loss)
    assert (found.start_step, found.end_step) == pytest.approx((110, 190))
    assert found.transition_steps == pytest.approx(80)


def test_the_loss_of_regression_is_its_risk_at_the_longest_context():
    history = pd.DataFrame(
        {"step": [0, 0, 5, 5], "k": [5, 10, 5, 10], "risk": [7.0, 3.0, 0.6, 0.2]}
    )
    assert regression_loss(history).to_dict() == pytest.approx({0: 1.0, 5: 0.2})
