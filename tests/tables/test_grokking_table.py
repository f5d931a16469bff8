"""Every run has an honest row: grokked, censored or diverged."""

import math

import numpy as np
import pandas as pd
import pytest
from measured import history_of, write_addition_run

from mechanics.tables.grokking import tables
from mechanics.tables.study import Study

STEPS = np.arange(0, 4001, 100)


def run_of(folder, entry: str, validation, status: str = "finished", progress=None, **changes):
    """A run whose validation accuracy is given, and whose norm falls by half at step 2,000."""
    history = history_of(STEPS, np.minimum(1, STEPS / 500), validation)
    history["norm_squared"] = np.where(history["step"] < 2000, 2000.0, 1000.0)
    tables = {"history": history} | ({} if progress is None else {"progress": progress})
    return write_addition_run(folder, entry, {"status": status}, changes, **tables)


def tabulated(folder, runs, variants: dict, followed: bool = True) -> pd.DataFrame:
    study = Study(folder, runs, {"variants": variants, "followed": followed})
    return tables(study)["grokking"].set_index("entry")


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("runs")
    once, never = (STEPS == 1000).astype(float), np.full(len(STEPS), math.nan)
    runs = [
        run_of(folder, "softmax_L1", (STEPS >= 2000).astype(float)),
        run_of(folder, "softmax_L1_wd0", once, weight_decay=0.0, train_fraction=0.4),
        run_of(folder, "linear_L1", never, status="diverged"),
    ]
    return tabulated(folder, runs, {"softmax_L1_wd0": "softmax_L1"}, followed=False)


def test_a_variant_stands_under_the_model_that_it_varies_with_how_it_ended(table):
    columns = ["model", "arm", "weight_decay", "status", "train_fraction"]
    assert table[columns].values.tolist() == [
        ["softmax_L1", "main", 0.1, "grokked", 0.3],
        ["softmax_L1", "weight_decay", 0.0, "censored", 0.4],
        ["linear_L1", "main", 0.1, "diverged", 0.3],
    ]


def test_moments_are_found_by_rule(table):
    row = table.loc["softmax_L1"]
    assert (row["memorised_step"], row["grokking_step"], row["last_step"]) == (500, 2000, 4000)
    assert row["steepest_fall_step"] == pytest.approx(1950, abs=250)
    assert row["steepest_relative_fall_step"] == pytest.approx(1950, abs=250)
    assert (row["norm_squared_peak"], row["norm_squared_final"]) == (2000, 1000)
    assert (row["val_accuracy"], row["val_loss"], row["min_margin"]) == (0.8, 0.3, -1.0)


def test_what_never_happened_or_did_not_last_or_was_not_followed_is_empty(table):
    first_reached = table["first_reached_step"].tolist()
    assert first_reached == pytest.approx([2000, 1000, math.nan], nan_ok=True)
    never = ["grokking_step", "norm_squared_at_grokking"]
    assert table.loc[["softmax_L1_wd0", "linear_L1"], never].isna().all(axis=None)
    assert table.filter(like="transition_").isna().all(axis=None)


def test_mirrored_pairs_do_not_widen_the_transition_and_a_spike_is_not_the_first_time(tmp_path):
    """Mirrored pairs, 30 %, are right from step 100 on, the others from 2,000; a spike at 3,000."""
    new = (STEPS >= 2000) - 0.05 * (STEPS == 3000)
    progress = pd.DataFrame({"seed": 0, "step": STEPS, "accuracy_validation_new": new})
    progress = progress[STEPS % 200 == 0]  # fewer checkpoints than measurements
    run = run_of(tmp_path, "softmax_L1", 0.3 * (STEPS >= 100) + 0.7 * new, progress=progress)
    row = tabulated(tmp_path, [run], {}).loc["softmax_L1"]
    assert (row["first_reached_step"], row["grokking_step"]) == (2000, 3100)
    assert 1800 < row["transition_start_step"] < row["transition_end_step"] < 2000
    assert row["transition_width"] < 0.05
