"""claims.json from tables and runs; an edited table is no source."""

import json

import pandas as pd
import pytest
from helpers import run_program
from measured import replicas

from mechanics.settings import as_argument
from mechanics.tables.comparison import COLUMNS
from mechanics.tables.frames import write_table

SETTINGS = {"tracks": ["linear_regression"], "k_max": 8}


@pytest.fixture
def arguments(tmp_path) -> list:
    columns = ["c_star", "risk", "risk_at_c_hat", "one_step_mixture", "ols", "gd_free_at_k"]
    risks = pd.DataFrame({"model": "linear_L1", "status": "finished", "seed": [0, 1], "k": 8})
    risks = risks.assign(c_hat=[0.3, 0.5], **dict.fromkeys(columns, 0.25))
    write_table(risks, tmp_path / "regression_risk.csv")
    write_table(pd.DataFrame(columns=COLUMNS), tmp_path / "comparative_metrics.csv")
    run = tmp_path / "linear" / "0-1" / "run.json"
    run.parent.mkdir(parents=True)
    record = {"settings": {"d": 3}, "seeds": [0, 1], "git_commit": "unknown"}
    run.write_text(json.dumps(record | {"replicas": replicas("finished", "finished")}))
    return [
        *("--settings", as_argument(SETTINGS), "--tables", tmp_path / "comparative_metrics.csv"),
        *(tmp_path / "regression_risk.csv", "--runs", run),
        *("--output", tmp_path / "claims.json"),
    ]


def test_numbers_are_the_same_when_written_again(arguments, tmp_path):
    run_program("write_numbers", *arguments)
    first = (tmp_path / "claims.json").read_bytes()
    content = json.loads(first)
    assert content["claims"]["c_hat"]["text"] == "0.4000"
    assert content["claims"]["deep_risk"]["absent"]
    assert content["directions"]["misses_ols"]["holds"] is False
    assert content["tracks"] == ["linear_regression"]
    assert content["footer"].startswith("trained at commit unknown (undated)")
    run_program("write_numbers", *arguments)
    assert (tmp_path / "claims.json").read_bytes() == first


def test_an_edited_number_is_refused_naming_the_numbers_that_stand_on_it(arguments, tmp_path):
    path = tmp_path / "regression_risk.csv"
    path.write_text(path.read_text().replace("0.3", "0.2"))
    words = "regression_risk.csv is not what its program wrote.*: c_hat, "
    with pytest.raises(SystemExit, match=words):
        run_program("write_numbers", *arguments)
    assert not (tmp_path / "claims.json").exists()
