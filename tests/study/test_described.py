"""README.md and datapackage.json beside the tables."""

import json

import pandas as pd
import pytest

from mechanics.study import described

LOSS = "| `uniform_loss` | nats | ln p, the loss of guessing. |"


@pytest.fixture
def study(tmp_path):
    for folder in ("tables", "analysis"):
        (tmp_path / folder).mkdir()
    (tmp_path / "tables/circuit.csv").write_text("seed,uniform_loss\n3,4.7\n")
    pd.DataFrame({"neuron": [1], "share_of_key": [0.5]}).to_parquet(
        tmp_path / "analysis/neuron_phases.parquet"
    )
    return tmp_path


def test_readme_explains_every_table_and_column(study):
    tables = ["tables/circuit.csv", "analysis/neuron_phases.parquet"]
    assert described.write(study, tables) == [described.README, described.PACKAGE]
    text = (study / described.README).read_text()
    assert "## neuron_phases" in text
    assert "## circuit\n\n`tables/circuit.csv`. A row is" in text
    assert LOSS in text.splitlines()
    assert "| `share_of_key` |" in text


def test_data_package_has_the_columns_of_every_csv_in_their_order(study):
    described.write(study, ["tables/circuit.csv", "analysis/neuron_phases.parquet"])
    [resource] = json.loads((study / described.PACKAGE).read_text())["resources"]
    assert (study / "tables" / resource["path"]).is_file()
    found = [(own["name"], own["type"], own.get("unit")) for own in resource["schema"]["fields"]]
    assert found == [("seed", "integer", None), ("uniform_loss", "number", "nats")]


@pytest.mark.parametrize(("name", "head"), [("nonsense", "seed"), ("circuit", "nonsense")])
def test_what_is_not_declared_is_refused_by_name(tmp_path, name, head):
    (tmp_path / "tables").mkdir()
    (tmp_path / f"tables/{name}.csv").write_text(f"{head}\n1\n")
    with pytest.raises(KeyError, match="declares no .* 'nonsense'"):
        described.write(tmp_path, [f"tables/{name}.csv"])


def test_what_was_measured_on_one_run_is_no_table_of_the_study():
    paths = ["tables/circuit.csv", "tables/comparative_metrics.md", "analysis/embedding.parquet"]
    paths += ["analysis/modular_addition/m/0/circuit.parquet", "report/claims.json"]
    assert [path for path in paths if described.is_table(path)] == [paths[0], paths[2]]
