"""The benchmark writes its rows, and what it times is what the study trains."""

import pandas as pd
import torch
from helpers import addition_settings, regression_settings, run_program

import benchmark
from mechanics.settings import as_argument


def test_quick_benchmark_writes_every_row(tmp_path, capsys):
    settings = ["--addition", as_argument(addition_settings())]
    settings += ["--regression", as_argument(regression_settings())]
    output = tmp_path / "tables" / "benchmark.csv"
    run_program("benchmark", "--quick", *settings, "--output", output)
    printed = capsys.readouterr().out
    rows = pd.read_csv(output)
    assert list(rows) == ["quantity", "value", "unit", "note"]
    expected = {"threads", "addition_share_of_floor", "regression_ten_seeds_over_one"}
    for name in ("transformer_lens", "transformer_lens_onednn", "full_sequence"):
        expected |= {f"addition_step_{name}", f"addition_speedup_over_{name}"}
    expected |= {"addition_step_collapsed", "addition_step_products"}
    for part in ("step", *benchmark.PARTS):
        expected |= {f"regression_{stack}_{part}" for stack in ("one_seed", "ten_seeds")}
    assert set(rows["quantity"]) == expected
    assert (rows["value"] > 0).all()
    assert "bound by" in rows.set_index("quantity").loc["regression_ten_seeds_over_one", "note"]
    assert "Training steps" in printed


def test_the_variants_train_one_network_alike():
    steps = benchmark.addition_steps(addition_settings(gradient_clip=None))
    del steps["products"]
    for _ in range(3):  # gradients and optimisers too: their losses agree after steps
        losses = torch.stack([step()[0] for step in steps.values()])
        torch.testing.assert_close(losses, losses[:1].expand_as(losses), atol=1e-5, rtol=1e-5)


def test_the_timed_regression_step_is_that_of_the_loop(monkeypatch):
    settings = regression_settings()
    objectives = []

    class Kept(benchmark.LinearRegression):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            objectives.append(self)

    monkeypatch.setattr(benchmark, "LinearRegression", Kept)
    losses, _ = benchmark.regression_step(settings, 3)()
    (objective,), seeds = objectives, [0, 1, 2]
    own = [objective.initial(seed) for seed in seeds]
    parameters = {name: torch.stack([o[name] for o in own]) for name in objective.shapes}
    expected = objective.losses(parameters, seeds, settings["steps"] // 2)
    torch.testing.assert_close(losses, expected)
