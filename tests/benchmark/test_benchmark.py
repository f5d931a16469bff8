"""The benchmark writes its rows, and what it times is what the study trains."""

import pandas as pd
import pytest
import torch
from helpers import addition_settings, regression_settings, run_program, write_data
from torch.utils.flop_counter import FlopCounterMode

import benchmark
from mechanics.benchmark import steps
from mechanics.settings import as_argument
from mechanics.study.described import BENCHMARK
from mechanics.training.loop import train
from mechanics.training.objective import objective as open_objective

VARIANTS = ("table_rows", "products", "bfloat16", "bfloat16_products")
VARIANTS += ("collapsed", "transformer_lens", "transformer_lens_onednn")


def test_quick_benchmark_writes_every_row(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(benchmark, "SIZES", (1, 2))
    settings = ["--addition", as_argument(addition_settings())]
    settings += ["--regression", as_argument(regression_settings())]
    output = tmp_path / "tables" / "benchmark.csv"
    run_program("benchmark", "--quick", *settings, "--output", output)
    printed = capsys.readouterr().out
    table = pd.read_csv(output)
    assert {"tables/benchmark.csv": list(table)} == BENCHMARK  # as the study's README tells them
    of_addition = [f"step_{name}" for name in VARIANTS]
    of_addition += [f"speedup_over_{name}" for name in VARIANTS[4:]]
    of_addition += [f"share_of_floor{which}" for which in ("", "_bfloat16")]
    of_addition += [f"speedup_of_bfloat16{which}" for which in ("", "_products")]
    expected = {f"addition_{own}" for own in of_addition} | {"threads", "load_per_core"}
    for task in ("addition", "regression"):
        sizes = [f"{n}_{what}" for n in (1, 2) for what in ("step", "per_replica")]
        expected |= {f"stack_{task}_{own}" for own in (*sizes, "cheapest")}
    assert set(table["quantity"]) == expected
    table = table.set_index("quantity")
    assert (table["value"].drop("load_per_core") > 0).all()
    assert "addition_speedup_over_collapsed" in printed


@pytest.mark.parametrize(("load", "warned"), [(0.1, False), (2.5, True)])
def test_a_shared_machine_is_warned_of(capsys, load, warned):
    row = ["load_per_core", load, "processes", "of the machine"]
    benchmark.show(pd.DataFrame([row], columns=benchmark.COLUMNS))
    assert ("2.5 processes per core before the start" in capsys.readouterr().out) == warned


def test_the_cheapest_stack_is_the_one_with_the_least_time_for_each_replica():
    times = {n: pd.Series([ms] * 3) for n, ms in (("1", 28.0), ("2", 40.0), ("4", 120.0))}
    found = {quantity: value for quantity, value, _, _ in benchmark.stack_rows("addition", times)}
    assert found["stack_addition_4_per_replica"] == 30
    assert found["stack_addition_cheapest"] == 2


def test_the_variants_train_one_network_alike_and_the_floor_has_the_products_of_their_step():
    variants, flops = steps.addition_variants(addition_settings(gradient_clip=None)), {}
    floors = {name: variants.pop(name) for name in ("products", "bfloat16_products")}
    for _ in range(3):  # gradients and optimisers too: their losses agree after steps
        losses = {name: step() for name, step in variants.items()}
        rounded = losses.pop("bfloat16")
        exact = torch.stack([*losses.values()])
        torch.testing.assert_close(exact, exact[:1].expand_as(exact), atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(rounded, exact[0], atol=1e-2, rtol=1e-2)
        assert (rounded - exact[0]).abs().max() > 1e-6  # it did round
    for step in (*floors.values(), variants["table_rows"], variants["bfloat16"]):
        with FlopCounterMode(display=False) as counter:
            step()
        flops[step] = counter.get_total_flops()
    assert flops[floors["products"]] > 0
    assert len(set(flops.values())) == 1


@pytest.mark.parametrize("changes", [{}, {"norm": "held", "weight_decay": 0.0}])
def test_a_timed_step_of_addition_is_that_of_a_training(changes, tmp_path):
    every_pair = {"pairs_per_step": None, "measure_every": 1, "steps": 3}
    settings, cpu = addition_settings(**every_pair | changes), torch.device("cpu")
    objective = open_objective(settings, write_data(tmp_path, settings, [0, 1]), cpu)
    history = pd.DataFrame(train(objective, settings, [0, 1], cpu, tmp_path).history)
    of_training = history[history["split"] == "train"].pivot(index="step", columns="seed")["loss"]
    timed = steps.stack_of(settings, 2, cpu)
    losses = torch.stack([timed() for _ in range(3)])
    torch.testing.assert_close(losses, torch.tensor(of_training.to_numpy()[:3]), check_dtype=False)


def test_a_timed_step_of_regression_has_the_prompts_of_the_middle_of_a_training(tmp_path):
    settings, cpu = regression_settings(), torch.device("cpu")
    objective = open_objective(settings, write_data(tmp_path, settings, []), cpu)
    parameters = {name: weight[None] for name, weight in objective.initial(0).items()}
    timed = steps.stack_of(settings, 1, cpu)
    losses = timed()
    torch.testing.assert_close(losses, objective.losses(parameters, [0], settings["steps"] // 2))
    assert (timed() != losses).all()  # drawn anew
