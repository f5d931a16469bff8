"""A forecast from the records of a small study that is written by hand."""

import json
from math import isnan

import pandas as pd
import pytest
from helpers import addition_settings, regression_settings

from mechanics.benchmark import gpu
from mechanics.benchmark.forecast import (
    finished_study,
    forecast_rows,
    missing_row,
    record_name,
    recorded_jobs,
)
from mechanics.benchmark.steps import STACKED_STEPS

RUNS = {  # folder: seconds in run.json, and those that Snakemake recorded
    "runs/modular_addition/softmax_L1/0": (600.0, 604.0),
    "runs/modular_addition/softmax_L1/1": (300.0, 20.0),  # was killed, and resumed for 20 s
    "runs/linear_regression/linear_L1/0-1": (100.0, 103.0),
}
SETTINGS = {"modular_addition": addition_settings(), "linear_regression": regression_settings()}


@pytest.fixture
def study(tmp_path):
    """Two splits, three trainings, one analysis of each addition run, one table of both."""
    folder, artefacts = tmp_path / "small", {}
    for number, (run, (seconds, recorded)) in enumerate(RUNS.items()):
        _, task, model, block = run.split("/")
        seeds = [0, 1] if block == "0-1" else [int(block)]
        split = f"data/modular_addition/split_seed{block}.parquet"
        if task == "modular_addition":
            artefacts[split] = {"rule": "split_pairs", "inputs": {}}
            write_record(folder, f"split_pairs_seed{block}", 6.0)
        inputs = {split: ""} if task == "modular_addition" else {}
        for file in ("run.json", "history.parquet"):
            artefacts[f"{run}/{file}"] = {"rule": "train", "inputs": inputs}
        write_record(folder, f"train_{task}_{model}_{block}", recorded)
        replicas = [{"seed": seed, "last_step": 10 * (number + 1)} for seed in seeds]
        record = {"settings": SETTINGS[task], "seconds": seconds, "threads": 1}
        (folder / run).mkdir(parents=True)
        (folder / run / "run.json").write_text(json.dumps(record | {"replicas": replicas}))
    for seed in (0, 1):
        path = f"analysis/modular_addition/softmax_L1/{seed}/circuit.parquet"
        run = f"runs/modular_addition/softmax_L1/{seed}/run.json"
        artefacts[path] = {"rule": "measure_circuit", "inputs": {run: ""}}
        write_record(folder, f"measure_circuit_softmax_L1_{seed}", 30.0)
    made_of = {path: "" for path in artefacts if path.startswith("analysis")}
    artefacts["tables/circuit.csv"] = {"rule": "tabulate_circuit", "inputs": made_of}
    write_record(folder, "tabulate_circuit", 12.0)
    text = json.dumps({"study": "small", "artefacts": artefacts})
    (folder / "provenance.json").write_text(text)
    return folder


def write_record(folder, name: str, seconds: float) -> None:
    path = folder / f"benchmarks/{name}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    row = {"s": seconds, "h:m:s": "0:00:01", "max_rss": 1.0, "cpu_time": seconds / 2}
    pd.DataFrame([row]).to_csv(path, sep="\t", index=False)


@pytest.mark.parametrize(
    ("path", "rule", "expected"),
    [
        ("runs/modular_addition/m_x/0-4/run.json", "train", "train_modular_addition_m_x_0-4"),
        ("weights/t/m/seed2.safetensors", "extract_weights", "extract_weights_t_m_seed2"),
        ("data/t/split_seed3_fraction0.5.parquet", "split_pairs", "split_pairs_seed3_fraction0.5"),
        ("data/t/evaluation.safetensors", "sample_prompts", "sample_prompts"),
        ("analysis/t/m/0/layers.parquet", "measure", "measure_layers_m_0"),
        ("analysis/t/m/0/risk.parquet", "evaluate_regression", "evaluate_regression_m_0"),
        ("analysis/embedding.parquet", "gather_addition_long", "gather_embedding"),
        ("analysis/emergence_curves.parquet", "tabulate_emergence", "tabulate_emergence"),
        ("tables/patching_groups.csv", "gather_addition", "gather_patching_groups"),
        ("figures/grokking_curves.png", "plot_learning_curves", "plot_grokking_curves"),
        ("figures/parsimony.pdf", "plot", "plot_parsimony"),
        ("report/claims.json", "write_numbers", "write_numbers"),
    ],
)
def test_records_are_named_as_the_rules_name_them(path, rule, expected):
    assert record_name(path, rule) == expected


def test_jobs_have_their_records_and_what_they_need(study):
    jobs, unknown = recorded_jobs(study)
    assert not unknown
    assert len(jobs) == 2 + 3 + 2 + 1
    first = jobs["train_modular_addition_softmax_L1_0"]
    assert (first.seconds, first.needs) == (604.0, frozenset({"split_pairs_seed0"}))
    assert jobs["train_modular_addition_softmax_L1_1"].seconds == 300.0  # not its last 20 s
    assert jobs["tabulate_circuit"].needs == {f"measure_circuit_softmax_L1_{i}" for i in (0, 1)}


def test_forecast_is_bounded_by_work_and_by_the_critical_path(study):
    rows = forecast_rows(study, *recorded_jobs(study), seconds_per_job=3.0)
    value = {name: value for name, value, *_ in rows}
    work = 2 * 6 + (604 + 300 + 103) + 2 * 30 + 12 + 8 * 3
    longest = 6 + 604 + 30 + 12 + 4 * 3
    assert value["forecast_work"] == pytest.approx(work / 60)
    assert value["forecast_on_1_cores"] == pytest.approx(work / 60)
    for n_cores in (2, 4, 64):
        assert value[f"forecast_on_{n_cores}_cores"] == pytest.approx(longest / 60)
    assert value["forecast_critical_path"] == pytest.approx(longest / 60)
    assert value["forecast_recorded_load"] == pytest.approx(0.5)
    notes = {name: note for name, *_, note in rows}
    assert (
        "split_pairs_seed0 0.1 → train_modular_addition_softmax_L1_0"
        in (notes["forecast_critical_path"])
    )
    assert "lower bound" not in notes["forecast_work"]


def test_a_study_without_records_is_forecast_from_its_trainings_and_says_so(study):
    for path in (study / "benchmarks").iterdir():
        path.unlink()
    jobs, unknown = recorded_jobs(study)
    assert len(unknown) == len(jobs) - 3
    rows = forecast_rows(study, jobs, unknown)
    assert rows[0][1] == pytest.approx((600 + 300 + 100) / 60)
    assert "a lower bound: 5 jobs left no record" in rows[0][3]
    assert "forecast_recorded_load" not in {name for name, *_ in rows}


def test_a_study_that_is_not_finished_is_forecast_from_the_published_one_of_its_name(study):
    nowhere, published = study.with_name("nowhere"), study.rename(study.with_name("published"))
    assert finished_study(study, published) == published
    assert finished_study(nowhere, published) is None
    assert finished_study(nowhere, nowhere) is None
    quantity, value, _, note = missing_row(nowhere, published)
    assert quantity == "forecast" and isnan(value)
    assert f"{nowhere}/provenance.json is missing" in note


def test_damaged_records_are_named(study):
    path = study / "benchmarks/tabulate_circuit.tsv"
    path.write_text("seconds\n3\n")
    with pytest.raises(ValueError, match="tabulate_circuit.tsv: not a record of Snakemake's"):
        recorded_jobs(study)
    path.unlink()
    run = study / "runs/linear_regression/linear_L1/0-1/run.json"
    run.write_text('{"threads": 1, "settings": {}, "replicas": []}')
    with pytest.raises(ValueError, match="run.json: has no 'seconds'"):
        recorded_jobs(study)


def test_without_a_gpu_it_is_said_that_there_is_none(study):
    row = gpu.gpu_row(study, gpu.torch.device("cpu"))
    assert row[0] == "forecast_on_one_gpu" and isnan(row[1])
    assert row[3] == "no GPU here: not forecast"


def test_gpu_minutes_are_stacks_times_steps_times_a_measured_step(study, monkeypatch):
    models = gpu.trained_models(study)
    assert {name: (m["n_seeds"], m["steps"]) for name, m in models.items()} == {
        "modular_addition/softmax_L1": (2, 20),
        "linear_regression/linear_L1": (2, 30),
    }
    monkeypatch.setattr(gpu, "seconds_per_step", lambda step, *_: 3.0 if step() else 0.0)
    cpu = gpu.torch.device("cpu")  # stands in for the GPU
    _, value, unit, note = gpu.forecast(models, cpu, 1, 2, 1)
    assert (value, unit) == (pytest.approx((2 * 20 + 2 * 30) * 3 / 60), "min")
    assert "longest linear_regression/linear_L1, 60%" in note
    assert gpu.forecast(models, cpu, 64, 2, 1)[1] == pytest.approx((20 + 30) * 3 / 60)


def test_a_stack_too_large_for_the_gpu_is_named(study, monkeypatch):
    def full(*_):
        raise gpu.torch.OutOfMemoryError

    monkeypatch.setitem(STACKED_STEPS, "linear_regression", full)
    _, value, _, note = gpu.forecast(gpu.trained_models(study), gpu.torch.device("cpu"), 2, 1, 1)
    assert isnan(value)
    assert "a stack of 2 of linear_regression/linear_L1 does not fit" in note


def test_steps_on_a_device_are_timed_in_one_go(study):
    calls = []
    seconds = gpu.seconds_per_step(lambda: calls.append(0), gpu.torch.device("cpu"), 5, 2)
    assert len(calls) == 7
    assert 0 < seconds < 1
