import numpy as np
import pandas as pd
from modular_history import history_of

from mechanics.tables.histories import grokking_moments


def test_moments_are_the_first_steps_that_stay_above_the_threshold():
    history = history_of([0, 10, 20, 30], train=[0, 1, 1, 1], validation=[0, 0.995, 0.98, 0.999])
    moments = grokking_moments(history, 0.99).iloc[0]
    assert (moments["memorised_step"], moments["grokking_step"], moments["last_step"]) == (
        10,
        30,
        30,
    )


def test_a_spike_dates_the_grokking_step_and_not_the_first_that_reached_it():
    history = history_of([0, 10, 20, 30], train=[0, 1, 1, 1], validation=[0, 0.995, 0.98, 0.999])
    assert grokking_moments(history, 0.99)["first_reached_step"].tolist() == [10]
    lost = history_of([0, 10, 20], train=[0, 1, 1], validation=[0, 0.995, 0.98])
    moments = grokking_moments(lost, 0.99).iloc[0]
    assert moments["first_reached_step"] == 10
    assert np.isnan(moments["grokking_step"])


def test_a_run_that_never_groks_has_no_step():
    history = history_of([0, 10], train=[0, 1], validation=[0, 0.5])
    moments = grokking_moments(history, 0.99).iloc[0]
    assert np.isnan(moments["grokking_step"])
    assert np.isnan(moments["first_reached_step"])


def test_seeds_are_kept_apart():
    first = history_of([0, 10], train=[1, 1], validation=[1, 1])
    second = history_of([0, 10], train=[0, 1], validation=[0, 1]).assign(seed=1)
    moments = grokking_moments(pd.concat([first, second]), 0.99)
    assert moments["grokking_step"].tolist() == [0, 10]
