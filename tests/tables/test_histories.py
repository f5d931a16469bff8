import numpy as np
import pytest
from measured import history_of

from mechanics.tables.histories import grokking_moments

NEVER = np.nan


@pytest.mark.parametrize(
    ("validation", "first_reached", "grokked"),
    [
        ([0, 0.995, 0.98, 0.999], 10, 30),  # a spike dates the grokking step
        ([0, 0.995, 0.98, 0.98], 10, NEVER),
        ([0, 0.5, 0.5, 0.5], NEVER, NEVER),
    ],
)
def test_moments_are_the_first_steps_that_reach_the_threshold_or_stay_there(
    validation, first_reached, grokked
):
    moments = grokking_moments(history_of([0, 10, 20, 30], [0, 1, 1, 1], validation), 0.99)
    names = ["memorised_step", "first_reached_step", "grokking_step", "last_step"]
    expected = [10, first_reached, grokked, 30]
    assert moments.iloc[0][names].tolist() == pytest.approx(expected, nan_ok=True)
