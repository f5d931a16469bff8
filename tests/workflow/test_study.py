"""What a study holds once the DAG has run for real."""

import json
import re

import pandas as pd
import pypdf
import pytest
from tiny_study import RUNS, TINY, changed, snakemake, succeeded

from mechanics.figures.registry import caption
from mechanics.tables import columns, training_theory
from mechanics.tables.comparison import COLUMNS

PATTERNS = {  # of Table Schema's types, as CSV has them
    "integer": re.compile(r"-?\d+"),
    "number": re.compile(r"-?(\d+(\.\d*)?(e[+-]\d+)?|inf)"),
    "boolean": re.compile("True|False"),
    "string": re.compile(".*", re.DOTALL),
}
ONE_LAYER = ["linear_L1", "linear_L1_subspace", "softmax_L1"]
EVERY = [*ONE_LAYER, "deep_L6"]
TRACK_A_TABLES = {  # columns that others may rely on, and the networks that have rows
    "regression_risk": (
        "model seed k risk risk_se risk_median diverged_share one_step_optimum one_step_mixture"
        " gd_tied gd_free gd_plus_plus ridge ols",
        EVERY,
    ),
    "algorithm_match": ("model algorithm k preds_diff n_seeds nearest", EVERY),
    "effective_weights": (
        "model seed step c_hat c_star isotropy correlation_gd correlation_ols correlation_null",
        EVERY,
    ),
    "regression_generalisation": ("model seed arm shift value risk law", EVERY),
    "rank_collapse": ("model seed variant layer norm ratio", ["deep_L6"]),
    "kernel_smoother": ("model seed head omega scale k risk", ["softmax_L1"]),
    "spectral_filter": (
        "model k algorithm distance largest unexplained penalty n_seeds nearest",
        EVERY,
    ),
    "emergence": (
        "task model seed transition_width transition_steps share_of_training",
        ["linear_L1", "softmax_L1", "deep_L6"],
    ),
}
FIGURES = [
    *("one_layer", "risk_by_context", "which_algorithm", "attention_maps_regression"),
    *("rank_collapse", "regression_generalisation", "emergence", "regression_training"),
    "grokking_curves",
]


def test_table_has_its_columns_and_every_configuration(study):
    table = pd.read_csv(study / "results/tiny/tables/comparative_metrics.csv")
    assert list(table.columns) == COLUMNS
    assert set(zip(table["configuration"], table["task"], strict=True)) == {
        ("Linear Attention (L=1)", "linear_regression"),
        ("Softmax Attention (L=1)", "linear_regression"),
        ("Deep Transformer (L=2)", "linear_regression"),
        ("Softmax Attention (L=1)", "modular_addition"),
    }
    assert (table["n_seeds"] <= 2).all()
    assert (study / "results/tiny/tables/comparative_metrics.md").stat().st_size > 0


def test_figures_are_drawn(study):
    for name in FIGURES:
        for kind, magic in (("pdf", b"%PDF"), ("png", b"\x89PNG")):
            path = study / f"results/tiny/figures/{name}.{kind}"
            assert path.read_bytes().startswith(magic)


def test_variants_of_a_model_are_in_the_table_of_track_b_and_not_in_the_comparison(study):
    table = pd.read_csv(study / "results/tiny/tables/grokking.csv")
    assert table["entry"].tolist() == ["softmax_L1", "softmax_L1", "softmax_L1_wd0"]
    assert set(table["model"]) == {"softmax_L1"}
    assert (table["status"] == "censored").all()  # 20 steps
    compared = pd.read_csv(study / "results/tiny/tables/comparative_metrics.csv")
    assert "softmax_L1_wd0" not in set(compared["model"])


@pytest.mark.parametrize("name", TRACK_A_TABLES)
def test_tables_of_track_a_have_their_columns_and_every_network(study, name):
    table = pd.read_csv(study / f"results/tiny/tables/{name}.csv")
    columns, models = TRACK_A_TABLES[name]
    assert set(columns.split()) <= set(table.columns)
    assert set(table["model"]) == set(models)


def test_a_study_without_deep_networks_has_no_rank_collapse(study):
    models = TINY["linear_regression"]["models"] | {"deep_L6": None}
    output = snakemake(
        study, "--dry-run", "--summary", config=changed(linear_regression={"models": models})
    ).stdout
    assert "tables/regression_generalisation.csv" in output
    assert "rank_collapse" not in output


def test_state_of_finished_runs_is_removed(study):
    assert not any((study / "results/tiny/.state").iterdir())


def test_run_names_its_settings_and_seeds(study):
    record = json.loads((study / RUNS / "linear_regression/linear_L1/0-1/run.json").read_text())
    assert [replica["seed"] for replica in record["replicas"]] == [0, 1]
    assert record["settings"]["d"] == 2
    assert all(replica["train_flops"] > 0 for replica in record["replicas"])


def test_report_is_two_pages_of_claims(study):
    assert len(pypdf.PdfReader(study / "results/tiny/report/report.pdf").pages) == 2
    claims = json.loads((study / "results/tiny/report/claims.json").read_text())["claims"]
    assert claims["d"]["text"] == "2"
    assert claims["grokked"]["text"] == "0 of 2"  # 20 steps
    assert claims["heat"]["absent"]


def test_report_of_snakemake_shows_every_figure_and_table_with_its_caption(study, tmp_path):
    succeeded(snakemake(study, "--report", str(tmp_path / "report.html")))
    page = (tmp_path / "report.html").read_text()
    shown = json.loads(re.search(r"var results = (\{.*\});", page)[1])
    made = study / "results/tiny"
    made = {*made.glob("figures/*.png"), *made.glob("tables/*.csv"), *made.glob("report/*.pdf")}
    assert {study / name for name in shown} == made
    assert all(entry["caption"] for entry in shown.values())
    captions = {f"figures/{name}.png": caption(name) for name in ("grokking_curves", "circuit")}
    for name, text in captions.items():
        assert text.splitlines()[0] in shown[f"results/tiny/{name}"]["caption"]
    for name in ("parsimony", "kernel_smoother"):
        own = shown[f"results/tiny/tables/{name}.csv"]
        assert own["labels"] == {"table": f"{name}. {columns.row(name)}"}


def test_every_declared_column_is_that_of_a_table_as_it_was_made(study):
    """That every column is declared the job has seen that records the study: it writes them."""
    text = (study / "results/tiny/tables/README.md").read_text()
    told = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    elsewhere = {*training_theory.COLUMNS, *training_theory.CURVES}
    assert sorted({*columns.COLUMNS} - told - elsewhere) == []
    package = json.loads((study / "results/tiny/tables/datapackage.json").read_text())
    for resource in package["resources"]:
        cells = pd.read_csv(study / "results/tiny/tables" / resource["path"], dtype=str)
        for field in resource["schema"]["fields"]:
            values = cells[field["name"]].dropna()
            assert values.map(PATTERNS[field["type"]].fullmatch).all(), (resource["name"], field)
    long = pd.read_parquet(study / "results/tiny/analysis/progress_measures.parquet")
    assert long.attrs == {name: columns.column(name)._asdict() for name in long}
