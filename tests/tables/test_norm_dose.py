"""The table of norm, temperature and ε, from runs whose ends are known."""

import math

import numpy as np
import pandas as pd
import pytest
from measured import history_of, write_addition_run

from mechanics.tables.grokking import tables as grokking_tables
from mechanics.tables.norm_dose import laws, tables, with_shared_keys
from mechanics.tables.study import Study

STEPS = [0, 100, 200, 300]
HELD = {"norm": "held", "weight_decay": 0.0, "norm_factor": 1.4, "checkpoints_at": None}
HEATED = {"after_memorising": "fixed_norm", "restart_at": 1000}


def run_of(folder, entry: str, validation, replica: dict, **changes):
    """A run that memorises at step 200, where its logits have a scale of 2."""
    history = history_of(STEPS, [0.0, 0.5, 1.0, 1.0], validation)
    history["logit_scale"] = history["step"] / 100
    history["below_epsilon"] = np.where(history["step"] == 300, 0.25, 0.0)
    return write_addition_run(folder, entry, replica, changes, history=history)


def test_each_network_has_its_arm_its_ending_and_what_was_measured_at_it_and_before(tmp_path):
    never, grokked = [0.0] * 4, [0.0, 0.0, 0.0, 1.0]
    stalled = {"status": "stalled", "stalled_step": 200}
    runs = [
        run_of(tmp_path, "main", never, {}),
        run_of(tmp_path, "held", grokked, {}, **HELD),
        run_of(tmp_path, "sham", never, stalled, **HEATED),
        run_of(tmp_path, "heated", never, {"status": "diverged"}, temperature=8.0, **HEATED),
        run_of(tmp_path, "small", never, {}, epsilon=1e-20),
        run_of(tmp_path, "scaled", never, {}, after_memorising="initial_norm"),
    ]
    variants = dict.fromkeys(("held", "sham", "heated", "small", "scaled"), "main")
    study = Study(tmp_path, runs, {"variants": variants, "followed": False})
    table = tables(study)["norm_dose"].set_index("entry")
    columns = ["model", "arm", "status", "norm_factor", "epsilon"]
    assert {entry: [*row] for entry, *row in table[columns].itertuples()} == {
        "main": ["main", "main", "censored", 1, 1e-8],
        "held": ["main", "held_norm", "grokked", 1.4, 1e-8],
        "sham": ["main", "sham", "stalled", 1, 1e-8],
        "heated": ["main", "temperature", "diverged", 1, 1e-8],
        "small": ["main", "weight_decay", "censored", 1, 1e-20],
        "scaled": ["main", "initial_norm", "censored", 1, 1e-8],
    }
    row = table.loc["held"]
    assert (row["memorised_step"], row["grokking_step"], row["last_step"]) == (200, 300, 300)
    assert (row["logit_scale_memorised"], row["logit_scale"]) == (2, 3)
    assert (row["n_keys"], row["key_frequencies"], row["logit_fve"]) == (2, "3 14", 0.9)
    assert (row["min_margin"], row["val_accuracy"], row["below_epsilon"]) == (-1, 0.8, 0.25)
    assert row["train_loss"] == pytest.approx(0.1)
    assert table["stalled_step"]["sham"] == 200
    assert math.isnan(table["stalled_step"]["held"])
    assert grokking_tables(study)["grokking"]["entry"].tolist() == ["main"]  # no dose


def test_keys_are_shared_with_the_network_that_an_entry_varies():
    keys = {"main": "3 14 26 49", "held": "14 50"}
    rows = [{"entry": entry, "key_frequencies": own} for entry, own in keys.items()]
    table = pd.DataFrame(rows).assign(model="main", seed=0, n_keys=[4, 2], p=113)
    held = with_shared_keys(table).set_index("entry").loc["held"]
    assert held["shared_keys"] == 1
    assert held["shared_by_chance"] == pytest.approx(4 * 2 / 56)
    assert with_shared_keys(table)["shared_keys"].isna().tolist() == [True, False]


def test_a_planted_law_is_found_and_the_norm_adds_nothing_to_it():
    """Delays that are the square of the logits' scale, which norm and temperature set together."""
    cells = [(norm, heat) for norm in (0.7, 1.0, 1.4, 2.0) for heat in (0.125, 1.0, 8.0)]
    table = pd.DataFrame(cells, columns=["norm_factor", "temperature"])
    table = table.assign(arm="held_norm", epsilon=1e-20, status="grokked", memorised_step=100)
    table["logit_scale_memorised"] = 5 * table["norm_factor"] ** 3
    scale = table["logit_scale_memorised"] / table["temperature"]
    table["grokking_step"] = 100 + scale**2
    other = table.head(1).assign(arm="sham", epsilon=1e-30)  # another arm's ε chooses nothing
    at_once = table.head(1).assign(grokking_step=100)  # a delay of 0 has no logarithm
    censored = table.head(11).assign(status="censored", grokking_step=None)
    table = pd.concat([table, censored, at_once, other])
    found = laws(table).set_index("law_name")
    alone = found.loc["power of the logit scale"]
    assert (alone["slope"], alone["r_squared"]) == (pytest.approx(2), pytest.approx(1))
    assert (alone["n_runs"], alone["n_held"]) == (12, 24)
    assert found["r_squared"]["exponential in the norm"] < 0.5
    assert found["n_runs"]["exponential in the norm, temperature 1"] == 4
    assert laws(table.head(2))["r_squared"].isna().all()
