"""What stands beside the tables, and the card beside the weights, for who has none of our code."""

import json
import re
import subprocess
import sys

import pandas as pd
import pytest
from clock_network import clock_network
from helpers import addition_settings, sizes_of

from mechanics.models.weights import Network, write_network
from mechanics.study import described

LOSS = "| `uniform_loss` | nats | ln p, the loss of guessing. |"


def test_readme_explains_every_table_and_the_package_has_the_columns_of_a_csv_in_order(tmp_path):
    for folder in ("tables", "analysis"):
        (tmp_path / folder).mkdir()
    (tmp_path / "tables/circuit.csv").write_text("seed,uniform_loss\n3,4.7\n")
    neurons = pd.DataFrame({"neuron": [1], "share_of_key": [0.5]})
    neurons.to_parquet(tmp_path / "analysis/neuron_phases.parquet")
    tables = ["tables/circuit.csv", "analysis/neuron_phases.parquet"]
    assert described.describe_tables(tmp_path, tables) == [described.README, described.PACKAGE]
    text = (tmp_path / described.README).read_text()
    assert "## neuron_phases" in text
    assert "## circuit\n\n`tables/circuit.csv`. A row is" in text
    assert LOSS in text.splitlines()
    assert "| `share_of_key` |" in text
    assert "## benchmark\n\n`tables/benchmark.csv`. A row is" in text  # whether it was made or not
    [resource] = json.loads((tmp_path / described.PACKAGE).read_text())["resources"]
    assert (tmp_path / "tables" / resource["path"]).is_file()
    found = [(own["name"], own["type"], own.get("unit")) for own in resource["schema"]["fields"]]
    assert found == [("seed", "integer", None), ("uniform_loss", "number", "nats")]


@pytest.mark.parametrize(("name", "head"), [("nonsense", "seed"), ("circuit", "nonsense")])
def test_what_is_not_declared_is_refused_by_name(tmp_path, name, head):
    (tmp_path / "tables").mkdir()
    (tmp_path / f"tables/{name}.csv").write_text(f"{head}\n1\n")
    with pytest.raises(KeyError, match="declares no .* 'nonsense'"):
        described.describe_tables(tmp_path, [f"tables/{name}.csv"])


def test_what_was_measured_on_one_run_is_no_table_of_the_study():
    paths = ["tables/circuit.csv", "tables/comparative_metrics.md", "analysis/embedding.parquet"]
    paths += ["analysis/modular_addition/m/0/circuit.parquet", "report/claims.json"]
    assert [path for path in paths if described.is_table(path)] == [paths[0], paths[2]]


def test_the_lines_of_the_card_run_where_our_code_is_not(tmp_path):
    weights, clock = clock_network(11, [2, 3])
    settings = addition_settings(**sizes_of(clock), d_head=clock.d_head)
    own = {name: tensor.float() for name, tensor in weights.items()}
    linear = settings | {"attention": "linear", "weights": "./theirs.pth"}
    files = []
    for model, its in (("linear", linear), ("clock", settings)):
        files.append(f"weights/modular_addition/{model}/seed4.safetensors")
        network = Network("modular_addition", model, 4, 20, "grokked", its, own)
        write_network(tmp_path / files[-1], network)
    row = ["clock", "modular_addition", "accuracy, all pairs", 0.97531, 0.9, 1.0, 5]
    (tmp_path / "tables").mkdir()
    pd.DataFrame([row, row], columns=described.MEASURED).to_csv(
        tmp_path / described.COMPARED, index=False
    )
    configs = [f"weights/modular_addition/{model}/config.json" for model in ("linear", "clock")]
    assert described.describe_weights(tmp_path, files) == [*configs, described.CARD]
    text = (tmp_path / described.CARD).read_text("utf-8")
    assert text.count("0.9753") == 1
    assert re.search(r"/linear`.*trained elsewhere", text)
    assert not re.search(r"/clock`.*trained elsewhere", text)
    assert json.loads((tmp_path / configs[0]).read_text())["transformer_lens"] is None
    lines = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    ran = subprocess.run(
        [sys.executable, "-Ic", lines],
        cwd=tmp_path / "weights",
        env={"HOME": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == str((5 + 9) % 11)
