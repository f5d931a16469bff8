"""claims.json from tables and runs; an edited table is no source."""

import json

import pandas as pd
import pytest
from helpers import run_program

from mechanics.settings import as_argument
from mechanics.tables.comparison import COLUMNS
from mechanics.tables.frames import write_csv

DECLARED = """
tables: {risk: linear_regression}
claims:
  r: {table: risk, where: {model: linear}, column: risk, format: ".2f"}
"""
STUDY = {"settings": {}, "tasks": {"risk": "linear_regression"}}
STUDY |= {"seeds": {"linear_regression": {"linear": 2}}}


@pytest.fixture
def arguments(tmp_path) -> list:
    (tmp_path / "claims.yaml").write_text(DECLARED)
    risks = pd.DataFrame({"model": "linear", "seed": [0, 1], "risk": [0.3, 0.5]})
    write_csv(risks, tmp_path / "risk.csv")
    write_csv(pd.DataFrame(columns=COLUMNS), tmp_path / "comparative_metrics.csv")
    run = tmp_path / "linear" / "0-1" / "run.json"
    run.parent.mkdir(parents=True)
    replicas = [{"seed": seed, "status": "finished"} for seed in (0, 1)]
    record = {"replicas": replicas, "settings": {"d": 3}, "seeds": [0, 1], "git_commit": "unknown"}
    run.write_text(json.dumps(record))
    return [
        *("--declared", tmp_path / "claims.yaml", "--study", as_argument(STUDY), "--tables"),
        *(tmp_path / "comparative_metrics.csv", tmp_path / "risk.csv", "--runs", run),
        *("--output", tmp_path / "claims.json"),
    ]


def test_claims_are_made_and_the_same_when_made_again(arguments, tmp_path):
    run_program("make_claims", *arguments)
    first = (tmp_path / "claims.json").read_bytes()
    content = json.loads(first)
    assert content["claims"]["r"]["text"] == "0.40"
    assert content["tracks"] == ["linear_regression"]
    assert content["footer"].startswith("trained at commit unknown (undated)")
    run_program("make_claims", *arguments)
    assert (tmp_path / "claims.json").read_bytes() == first


def test_an_edited_number_is_refused_naming_the_claims_that_stand_on_it(arguments, tmp_path):
    path = tmp_path / "risk.csv"
    path.write_text(path.read_text().replace("0.3", "0.2"))
    with pytest.raises(SystemExit, match=r"risk.csv is not what its program wrote.*: r$"):
        run_program("make_claims", *arguments)
    assert not (tmp_path / "claims.json").exists()
