"""The DAG for real, on networks of a few weights: what runs, what reruns, and what survives."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pypdf
import pytest
import torch
import yaml

from mechanics.comparison import COLUMNS
from mechanics.training.checkpoint import Run, read_tensors

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
CHECKPOINTS = {"log_spaced": 3, "log_until": 10, "every": 10}
TINY = {
    "study": "tiny",
    "linear_regression": {
        "d": 2,
        "k_max": 8,
        "tabulated_at": [5, 8],
        "evaluation": {"context_lengths": [5, 8], "n_prompts": 64, "n_queries": 1},
        "defaults": {"steps": 20, "measured_at": [5, 8], "n_prompts_history": 64}
        | {"checkpoints_at": CHECKPOINTS},
        "models": dict.fromkeys(
            ["linear_L1_axis", "softmax_L1_2heads", "linear_L2", "linear_L3", "linear_L6"]
        )
        | {
            "linear_L1": {"seeds": [0, 1], "stack": 2},
            "linear_L1_subspace": {"seeds": [0], "d_max": 4},
            "softmax_L1": {"seeds": [0]},
            "deep_L6": {"seeds": [0], "n_layers": 2, "d_model": 8, "d_mlp": 8, "steps": 20}
            | {"n_prompts_history": 32, "measure_every": 10, "checkpoints_at": CHECKPOINTS},
        },
    },
    "modular_addition": {
        "p": 11,
        "defaults": {"d_model": 8, "d_mlp": 16, "seeds": [0, 1], "steps": 20, "measure_every": 10}
        | {"checkpoints_at": CHECKPOINTS},
        "models": dict.fromkeys(
            ["linear_L1", "deep_L6", "softmax_L1_decay_off", "softmax_L1_fixed_norm"]
            + [f"softmax_L1_wd{decay}" for decay in ("0.1", "0.3", "3")]
        )
        | {"softmax_L1": {"seeds": [0, 1]}, "softmax_L1_wd0": {"seeds": [0]}},
    },
}
RUNS = "results/tiny/runs"
LAST = {"all", "record_provenance"}
SHOWS = {"make_claims", "build_report", "build_page", "execute_notebook"}  # what is in the tables
DEAR = {  # the rules whose results are published and restored
    *("sample_prompts", "split_pairs", "train", "evaluate_regression", "evaluate_addition"),
    *("analyse_checkpoints", "analyse_addition_checkpoints", "measure", "measure_attention"),
    *("measure_addition_attention", "measure_circuit", "patch_neurons", "ablate_frequencies"),
}
ONE_LAYER = ["linear_L1", "linear_L1_subspace", "softmax_L1"]
TRACK_A_TABLES = {  # columns that others may rely on, and the networks that have rows
    "regression_risk": (
        "model seed k risk risk_se risk_median diverged_share one_step_optimum one_step_mixture"
        " gd_tied gd_free gd_plus_plus ridge ols",
        [*ONE_LAYER, "deep_L6"],
    ),
    "algorithm_match": (
        "model algorithm k preds_diff model_diff model_cos r_squared n_seeds nearest",
        [*ONE_LAYER, "deep_L6"],
    ),
    "effective_weights": (
        "model seed step c_hat c_star isotropy correlation_gd correlation_ols correlation_null",
        [*ONE_LAYER, "deep_L6"],
    ),
    "regression_generalisation": (
        "model seed arm shift value risk law",
        [*ONE_LAYER, "deep_L6"],
    ),
    "rank_collapse": ("model seed variant layer norm ratio", ["deep_L6"]),
    "kernel_smoother": ("model seed head omega scale k risk", ["softmax_L1"]),
    "layer_readout": ("model seed k layer risk gd_steps newton_steps", ["deep_L6"]),
    "emergence": ("task model seed transition_width", ["linear_L1", "softmax_L1", "deep_L6"]),
}
TRACK_A_FIGURES = [
    *("regression_risk_by_context", "effective_weights", "algorithm_match", "depth_bracket"),
    *("attention_maps_regression", "kernel_smoother", "rank_collapse"),
    *("regression_generalisation", "regression_emergence"),
]


def snakemake(folder: Path, *arguments: str, config: dict = TINY) -> subprocess.CompletedProcess:
    (folder / "tiny.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    return subprocess.run(
        [*command, "--configfile", "tiny.yaml"],  # last: it takes all that follows it
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )


def planned(folder: Path, config: dict = TINY) -> set[str]:
    """Rules that a dry run would run, without `all`, and the record that follows any change."""
    result = snakemake(folder, "--dry-run", "--quiet", "host", config=config)
    assert result.returncode == 0, result.stdout + result.stderr
    stats = re.search(r"Job stats:\n.*?\n-+ .*?\n(.*?)\ntotal", result.stdout, re.DOTALL)
    assert stats or "Nothing to be done" in result.stdout + result.stderr
    return {line.split()[0] for line in stats[1].splitlines()} - LAST if stats else set()


def changed(**sections) -> dict:
    """TINY with some values of its sections changed."""
    return TINY | {name: TINY[name] | values for name, values in sections.items()}


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """A clone's worth of files in which the tiny study has been run."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("config", "workflow", "scripts", "envs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    result = snakemake(folder)
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


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
    for name in ("regression_learning_curves", "grokking_curves", *TRACK_A_FIGURES):
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


def test_finished_study_reruns_nothing(study):
    assert planned(study) == set()


def test_table_setting_reruns_the_table_only(study):
    config = changed(linear_regression={"tabulated_at": [8]})
    assert planned(study, config) == {"compare"} | SHOWS


def test_one_track_alone_is_planned(study):
    assert "evaluate_addition" not in planned(study, TINY | {"modular_addition": None})


def test_setting_of_one_model_retrains_it_only(study):
    models = TINY["linear_regression"]["models"]
    models = models | {"linear_L1": models["linear_L1"] | {"learning_rate": 0.02}}
    assert planned(study, changed(linear_regression={"models": models})) == {
        *("train", "evaluate_regression", "analyse_checkpoints", "measure", "measure_attention"),
        *("tabulate_risk", "tabulate_effective_weights", "tabulate_algorithms", "gather"),
        *("tabulate_emergence", "compare", "plot_learning_curves", "plot", "extract_weights"),
        *SHOWS,
    }


def test_more_evaluation_prompts_retrain_nothing(study):
    evaluation = TINY["linear_regression"]["evaluation"] | {"n_prompts": 128}
    rules = planned(study, changed(linear_regression={"evaluation": evaluation}))
    assert "evaluate_regression" in rules
    assert "train" not in rules


def test_new_seed_trains_that_seed_only(study):
    models = TINY["modular_addition"]["models"] | {"softmax_L1": {"seeds": [0, 1, 2]}}
    config = changed(modular_addition={"models": models})
    output = snakemake(study, "--dry-run", "--quiet", "host", config=config).stdout
    assert re.search(r"\ntrain +1\n", output)
    assert re.search(r"\nsplit_pairs +1\n", output)


def test_device_and_threads_rerun_nothing(study):
    assert planned(study, TINY | {"device": "cuda", "threads_per_training": 2}) == set()


def test_editing_a_used_module_reruns_what_uses_it(study):
    path = study / "scripts/mechanics/comparison.py"
    before = path.read_text()
    path.write_text(before + "\n# edited\n")
    try:
        assert planned(study) == {"compare"} | SHOWS
    finally:
        path.write_text(before)
    assert planned(study) == set()  # the same content with a newer date


def test_editing_the_module_of_a_figure_reruns_that_figure_only(study):
    path = study / "scripts/mechanics/figures/parsimony.py"
    before = path.read_text()
    path.write_text(before.replace('color="0.2"', 'color="0.3"') + "\n# edited\n")
    output = snakemake(study, "--dry-run", "--quiet", "host").stdout
    path.write_text(before)
    assert set(re.findall(r"\nplot +(\d+)\n", output)) == {"1"}  # it is said twice
    assert "figures/parsimony.png" in output


def test_new_module_reruns_nothing(study):
    path = study / "scripts/mechanics/unrelated.py"
    path.write_text("unused = 1\n")
    assert planned(study) == set()


def test_wrong_config_is_one_clear_message_before_any_job(study):
    result = snakemake(study, config=changed(modular_addition={"p": 12}))
    assert result.returncode != 0
    message = "tiny.yaml: modular_addition.p = 12: expected a prime number"
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert "rule train" not in result.stdout + result.stderr


def test_report_is_two_pages_of_claims(study):
    assert len(pypdf.PdfReader(study / "results/tiny/report/report.pdf").pages) == 2
    claims = json.loads((study / "results/tiny/report/claims.json").read_text())["claims"]
    assert claims["d"]["text"] == "2"
    assert claims["grokked"]["text"] == "0 of 2"  # 20 steps
    assert claims["grokked_off"]["absent"]


def test_report_of_snakemake_shows_every_figure_and_table_with_its_caption(study, tmp_path):
    result = snakemake(study, "--report", str(tmp_path / "report.html"))
    assert result.returncode == 0, result.stdout + result.stderr
    page = (tmp_path / "report.html").read_text()
    shown = json.loads(re.search(r"var results = (\{.*\});", page)[1])
    made = study / "results/tiny"
    made = {*made.glob("figures/*.png"), *made.glob("tables/*.csv"), *made.glob("report/*.pdf")}
    assert {study / name for name in shown} == made
    assert all(entry["caption"] for entry in shown.values())
    for name, source in (
        ("figures/grokking_curves.png", "grokking_curves.rst"),
        ("figures/parsimony.png", "parsimony.rst"),
        ("tables/parsimony.csv", "parsimony_table.rst"),
        ("tables/kernel_smoother.csv", "kernel_smoother_table.rst"),
    ):
        first_line = (study / "workflow/report" / source).read_text().splitlines()[0]
        assert first_line in shown[f"results/tiny/{name}"]["caption"]


def test_an_edited_number_stops_the_report_naming_its_claims(study):
    path = study / "results/tiny/tables/grokking.csv"
    intact = path.read_text()
    path.write_text(intact.replace("censored", "grokked"))
    result = snakemake(study, "results/tiny/report/report.pdf")
    path.write_text(intact)
    assert result.returncode != 0
    message = r"grokking.csv is not what its program wrote.* These claims stand on it: .*grokked"
    assert re.search(message, result.stdout + result.stderr)
    assert snakemake(study).returncode == 0
    assert planned(study) == set()


def test_a_report_of_one_track_says_that_the_other_is_not_in_the_study(study):
    report = "results/tiny/report/report.pdf"
    result = snakemake(study, report, config=TINY | {"modular_addition": None})
    assert result.returncode == 0, result.stdout + result.stderr
    text = "".join(page.extract_text() for page in pypdf.PdfReader(study / report).pages)
    assert "Track B, modular addition, is not in this study" in text
    assert snakemake(study).returncode == 0


def test_failed_job_leaves_what_is_finished(study):
    folder = study / RUNS / "modular_addition/softmax_L1/1"
    split = study / "results/tiny/data/modular_addition/split_seed1.parquet"
    kept = study / RUNS / "modular_addition/softmax_L1/0/checkpoints.safetensors"
    before, intact = kept.read_bytes(), split.read_bytes()
    shutil.rmtree(folder)
    split.write_bytes(b"not a table")
    result = snakemake(study)
    assert result.returncode != 0
    assert kept.read_bytes() == before
    split.write_bytes(intact)
    assert snakemake(study).returncode == 0
    assert folder.exists()


def test_corrupted_checkpoint_is_named(study):
    path = study / RUNS / "modular_addition/softmax_L1/0/checkpoints.safetensors"
    intact = path.read_bytes()
    path.write_bytes(intact[:-5])
    analysed = "results/tiny/analysis/modular_addition/softmax_L1/0/evaluation.parquet"
    result = snakemake(study, analysed, "--force")
    path.write_bytes(intact)
    assert result.returncode != 0
    assert "checkpoints.safetensors: truncated or corrupted" in result.stdout + result.stderr
    assert snakemake(study).returncode == 0


def python(folder: Path, program: str, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, f"scripts/{program}.py", *arguments]
    return subprocess.run(
        command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )


def test_study_agrees_with_its_provenance(study):
    result = python(study, "verify", "--study", "results/tiny")
    assert result.returncode == 0, result.stdout + result.stderr
    artefacts = json.loads((study / "results/tiny/provenance.json").read_text())["artefacts"]
    made = [path for path in (study / "results/tiny").rglob("*") if path.is_file()]
    made = {path.relative_to(study / "results/tiny").as_posix() for path in made}
    kept = ("logs/", "benchmarks/", "tables/.sha256/")  # of the running, and hashes of tables
    unrecorded = {path for path in made if not path.startswith(kept)}
    assert unrecorded - artefacts.keys() == {"provenance.json"}
    assert artefacts["tables/grokking.csv"]["seeds"] == [0, 1]
    assert artefacts["figures/parsimony.pdf"]["inputs"].keys() == {"tables/parsimony.csv"}


def test_code_that_moved_on_is_named(study):
    path = study / "scripts/mechanics/figures/parsimony.py"
    before = path.read_text()
    path.write_text(before + "\n# edited\n")
    result = python(study, "verify", "--study", "results/tiny")
    path.write_text(before)
    assert result.returncode == 1
    assert "Altered" not in result.stdout
    assert "scripts/plot.py: scripts/mechanics/figures/parsimony.py; it made" in result.stdout


@pytest.fixture(scope="module")
def published(study) -> Path:
    config = ["--config", "config/config.yaml", "tiny.yaml"]
    result = python(study, "publish", "--study", "results/tiny", *config)
    assert result.returncode == 0, result.stderr
    return study / "results/published"


def test_published_weights_are_the_runs(study, published):
    weights, about = read_tensors(
        published / "weights/modular_addition/softmax_L1/seed1.safetensors"
    )
    final = Run(study / RUNS / "modular_addition/softmax_L1/1").final(1)
    assert weights.keys() == final.keys()
    assert all(torch.equal(weights[name], final[name][0]) for name in final)
    assert (about["seed"], about["settings"]["p"]) == (1, 11)
    provenance = json.loads((published / "provenance.json").read_text())
    assert provenance["sha256"]["tables/comparative_metrics.csv"]
    assert not list((published / "figures").glob("*.pdf"))
    assert python(study, "verify", "--study", "results/published").returncode == 0


def test_unfinished_study_is_not_published(study, published):
    before = (published / "provenance.json").read_bytes()
    folder = study / RUNS / "modular_addition/softmax_L1/0"
    folder.rename(folder.with_name("aside"))
    arguments = ["--study", "results/tiny", "--config", "config/config.yaml", "tiny.yaml"]
    result = python(study, "publish", *arguments)
    folder.with_name("aside").rename(folder)
    assert result.returncode != 0
    assert "softmax_L1/0/run.json" in result.stderr
    assert (published / "provenance.json").read_bytes() == before


def test_restored_study_is_trained_no_more(published, tmp_path):
    """A fresh clone, with what is published and nothing else."""
    for name in ("config", "workflow", "scripts", "envs", "results/published"):
        shutil.copytree(published.parents[1] / name, tmp_path / name)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    restore = ["--config", "config/config.yaml", "tiny.yaml"]
    result = python(tmp_path, "restore", *restore)
    assert result.returncode == 0, result.stdout + result.stderr
    assert {"compare", "plot"} <= planned(tmp_path)
    assert not planned(tmp_path) & DEAR
    table = "tables/comparative_metrics.csv"
    assert snakemake(tmp_path, f"results/tiny/{table}").returncode == 0
    assert (tmp_path / "results/tiny" / table).read_bytes() == (published / table).read_bytes()
    # It knows with which settings its runs were made, and what it lacks.
    models = TINY["linear_regression"]["models"]
    models = models | {"softmax_L1": {"seeds": [0], "learning_rate": 0.02}}
    assert "train" in planned(tmp_path, changed(linear_regression={"models": models}))
    again = python(tmp_path, "restore", *restore)
    assert again.returncode != 0
    assert "results/tiny is there already" in again.stderr
