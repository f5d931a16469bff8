import numpy as np
import pandas as pd
from modular_history import history_of

from mechanics.histories import grokking_moments


def test_moments_are_the_first_steps_that_stay_above_the_threshold():
    history = history_of([0, 10, 20, 30], train=[0, 1, 1, 1], validation=[0, 0.995, 0.98, 0.999])
    moments = grokking_moments(history, 0.99).iloc[0]
    assert (moments["memorised_step"], moments["grokking_step"], moments["last_step"]) == (
        10,
        30,
        30,
    )


def test_a_run_that_never_groks_has_no_step():
    history = history_of([0, 10], train=[0, 1], validation=[0, 0.5])
    assert np.isnan(grokking_moments(history, 0.99)["grokking_step"].iloc[0])


def test_seeds_are_kept_apart():
    first = history_of([0, 10], train=[1, 1], validation=[1, 1])
    second = history_of([0, 10], train=[0, 1], validation=[0, 1]).assign(seed=1)
    moments = grokking_moments(pd.concat([first, second]), 0.99)
    assert moments["grokking_step"].tolist() == [0, 10]
