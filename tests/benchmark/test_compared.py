"""The comparison of a GPU with the CPU, tried on the CPU: it differs from itself by nothing."""

import math
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
import torch
from helpers import addition_settings, regression_settings, run_program

from mechanics.benchmark import compared
from mechanics.settings import as_argument

HEAD = "configuration,task,metric,value\n"
TINY = ["--device", "cpu", "--quick", "--addition", as_argument(addition_settings())]
TINY += ["--regression", as_argument(regression_settings())]


def write_studies(folder, risk: float) -> list[str]:
    """Two tables, of which the second has this risk for 0.5."""
    for name, value in (("cpu", 0.5), ("cuda", risk)):
        (folder / name / "tables").mkdir(parents=True)
        rows = f"a,linear_regression,MSE/d at k = 10,{value}\n"
        rows += 'b,modular_addition,"accuracy, all pairs",1.0\n'
        (folder / name / "tables/comparative_metrics.csv").write_text(HEAD + rows)
    return ["--studies", str(folder / "cpu"), str(folder / "cuda")]


@pytest.mark.parametrize(("risk", "ended"), [(0.51, None), (0.6, "not as on the CPU: study_risks")])
def test_one_table_says_rates_and_how_far_results_are_apart(tmp_path, monkeypatch, risk, ended):
    monkeypatch.setattr(compared, "N_COMPARED", 3)
    given = (*TINY, *write_studies(tmp_path, risk), "--output", tmp_path / "gpu.csv")
    with pytest.raises(SystemExit, match=ended) if ended else nullcontext():
        run_program("benchmark", *given)
    found = pd.read_csv(tmp_path / "gpu.csv").set_index("quantity")["value"]
    assert found[["matrix_rate", "stack_steps_per_second", "stack_minutes"]].gt(0).all()
    assert 0 < found["stack_share_of_matrix_rate"] < 10
    assert found[["addition_losses", "regression_losses", "study_accuracies"]].eq(0).all()
    assert found["study_risks"] == pytest.approx(risk - 0.5)


def test_what_diverged_on_the_device_alone_is_no_agreement(tmp_path, monkeypatch):
    folders = write_studies(tmp_path, float("nan"))[1:]
    for folder in folders:  # beside a row that both have
        with open(f"{folder}/tables/comparative_metrics.csv", "a") as table:
            table.write("b,linear_regression,MSE/d at k = 10,0.5\n")
    apart = {name: value for name, value, *_ in compared.study_rows(*map(Path, folders))}
    assert math.isnan(apart["study_risks"]) and apart["study_accuracies"] == 0
    losses = [torch.tensor([1.0, 1.0]), torch.tensor([1.0, torch.nan])]
    monkeypatch.setattr(compared, "stack_of", lambda *_: partial(losses.__getitem__, place.pop()))
    place = [1, 0]
    assert math.isnan(compared.losses_apart({}, torch.device("cpu")))


def test_without_a_gpu_it_refuses(tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(SystemExit, match="device 'cuda': PyTorch sees no CUDA GPU here"):
        run_program("benchmark", "--device", "cuda", "--output", tmp_path / "gpu.csv")
    assert not (tmp_path / "gpu.csv").exists()
