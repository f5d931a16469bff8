"""Tables say what the analyses of the runs say, and mark what diverged."""

import math

import numpy as np
import pandas as pd
import pytest
from helpers import addition_settings, regression_settings, run_program
from measured import replicas, write_run
from pyarrow.parquet import ParquetFile

from mechanics.tables.frames import TableError, check_unedited, read_table, sound, write_table
from mechanics.tables.study import Study, arm_of


def test_every_row_has_its_model_and_the_status_of_its_seed(tmp_path):
    frame, name = pd.DataFrame({"seed": [0, 1], "risk": [0.5, 1e9]}), "linear_regression/{}/0-1"
    settings = regression_settings(n_layers=2, attention="softmax")
    runs = [
        write_run(
            tmp_path, name.format(m), replicas("finished", own), settings, rank_collapse=frame
        )
        for m, own in (("a", "diverged"), ("b", "finished"))
    ]
    runs += [write_run(tmp_path, name.format("shallow"), replicas("ok"), regression_settings())]
    arguments = ("--track", "linear_regression", "--study", tmp_path, "--runs", *runs)
    run_program("write_tables", *arguments, "--tables", "rank_collapse")
    table = pd.read_csv(tmp_path / "tables/rank_collapse.csv")
    assert table.columns.tolist() == ["model", "seed", "status", "risk"]
    assert table["model"].tolist() == ["a", "a", "b", "b"]
    assert table["status"].tolist() == ["finished", "diverged", "finished", "finished"]
    assert sound(table)["risk"].tolist() == [0.5, 0.5, 1e9]
    with pytest.raises(SystemExit, match="smoother: it is measured on none of the 3 runs"):
        run_program("write_tables", *arguments, "--tables", "kernel_smoother")
    with pytest.raises(SystemExit, match="no table circuit; expected some of .*attention_match"):
        run_program("write_tables", *arguments, "--tables", "circuit")


def test_a_variant_stands_under_its_model_with_its_arm(tmp_path):
    frame, settings = pd.DataFrame({"seed": [0], "loss": [0.5]}), addition_settings(weight_decay=0)
    place = "modular_addition/wd0/0"
    run = write_run(tmp_path, place, replicas("finished"), settings, circuit=frame)
    study = Study(tmp_path, [run], {"variants": {"wd0": "softmax_L1"}})
    assert study.gather("modular_addition", "circuit").to_dict("records") == [
        {"model": "softmax_L1", "arm": "weight_decay", "weight_decay": 0.0, "seed": 0}
        | {"status": "finished", "loss": 0.5, "entry": "wd0"}
    ]


def test_a_variant_whose_training_nothing_follows_stands_in_norm_dose_alone(tmp_path):
    settings = addition_settings(weight_decay=2.0, checkpoints_at=None)
    run = write_run(tmp_path, "modular_addition/wd2/0", replicas("finished"), settings)
    study = Study(tmp_path, [run], {"variants": {"wd2": "m"}})
    assert study.runs_of("modular_addition") == []
    assert study.runs_of("modular_addition", doses=True) == [run]


def test_the_arm_is_what_differs_unless_a_variant_stands_for_itself():
    rounded = addition_settings(mlp_dtype="bfloat16")
    assert arm_of("rounded", rounded, {"rounded": "m"})["arm"] == "bfloat16"
    control = arm_of("m_wide", addition_settings(), {"m_wide": "m_wide"})
    assert (control["model"], control["arm"]) == ("m_wide", "control")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("keys", [["3 56", ""], ["", ""], ["7", "11"]])
def test_an_empty_list_of_keys_is_read_as_it_was_written(tmp_path, kind, keys):
    table = pd.DataFrame({"seed": [0, 1], "key_frequencies": keys, "loss": [math.nan, 0.5]})
    write_table(table, tmp_path / f"table.{kind}")
    found = read_table(tmp_path / f"table.{kind}")
    assert found["key_frequencies"].tolist() == keys
    assert math.isnan(found["loss"][0])


def test_a_table_is_smaller_as_parquet_and_the_same_to_the_bit(tmp_path):
    values = np.random.default_rng(0).normal(size=2000)
    table = pd.DataFrame({"name": ["a", "b"] * 1000, "step": range(2000), "x": values})
    table = table.assign(y=values.astype("float32"), z=[math.nan, *values[1:]])
    for own in (table[["name"]], table[["x"]], table):  # of one kind, and of all
        write_table(own, tmp_path / "table.parquet")
        found = read_table(tmp_path / "table.parquet")
        pd.testing.assert_frame_equal(found, own, check_exact=True)
    x = ParquetFile(tmp_path / "table.parquet").metadata.row_group(0).column(2)
    assert x.compression == "ZSTD" and "BYTE_STREAM_SPLIT" in x.encodings


def test_a_table_is_known_again_until_a_number_of_it_is_edited(tmp_path):
    path = tmp_path / "risk.csv"
    with pytest.raises(TableError, match="risk.csv is missing"):
        check_unedited(path)
    write_table(pd.DataFrame({"risk": [0.35]}), path)
    check_unedited(path)
    path.write_text(path.read_text().replace("0.35", "0.25"))
    with pytest.raises(TableError, match=r"risk.csv is not what its program wrote"):
        check_unedited(path)
