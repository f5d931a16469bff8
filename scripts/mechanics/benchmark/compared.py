"""What a device does for this study: a stack of grokking runs, and results like a CPU's."""

import argparse
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import pandas as pd
import torch
from torch.utils.flop_counter import FlopCounterMode

from mechanics.benchmark.steps import stack_of
from mechanics.runtime.device import choose_device, device_name

LOSSES = 1e-3  # relative: rounding grows from step to step
APART = 0.02  # of an accuracy, and of a risk, of which 1 is that of predicting zero
WARM_UP, N_COMPARED = 5, 50  # steps
SIZES = {False: (64, 100, 8192), True: (2, 2, 64)}  # if quick: replicas, steps, rows of a matrix

Row = tuple[str, float, str, float, str]  # quantity, value, unit, allowed, note


def compare(arguments: argparse.Namespace, settings: dict[str, dict]) -> list[Row]:
    """Of the device in the arguments of ``benchmark.py``. ``settings``: of a network of each task.

    Raises ValueError where there is no such device, or a study lacks its table.
    """
    device, addition = choose_device(arguments.device), settings["modular_addition"]
    n_replicas, n_steps, n_rows = SIZES[arguments.quick]
    rate = matrix_rate(n_rows, device)
    size = f"float32, {n_rows} rows, {device_name(device)}, torch {torch.__version__}"
    rows = [("matrix_rate", rate / 1e12, "TFLOP/s", float("nan"), size)]
    rows += stack_rows(addition, n_replicas, n_steps, rate, device)
    for task, own in settings.items():
        apart = losses_apart(own, device)
        note = f"largest relative difference from the CPU's, {N_COMPARED} steps of two replicas"
        rows.append((f"{task.split('_')[1]}_losses", apart, "", LOSSES, note))
    return rows + (study_rows(*arguments.studies) if arguments.studies else [])


def seconds(work: Callable, repeats: int, device: torch.device) -> float:
    """Mean seconds of a piece of work, after a warm-up; a GPU is waited for."""
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    for _ in range(WARM_UP):
        work()
    wait()
    started = perf_counter()
    for _ in range(repeats):
        work()
    wait()
    return (perf_counter() - started) / repeats


def matrix_rate(n: int, device: torch.device) -> float:
    """FLOP/s of a product of two float32 matrices of n rows, as the trainings multiply."""
    left, right = torch.randn(2, n, n, device=device)
    return 2 * n**3 / seconds(lambda: left @ right, 10, device)


def stack_rows(settings: dict, n: int, steps: int, rate: float, device: torch.device) -> list[Row]:
    """What a step of n grokking runs at once takes, and which share of the matrix rate it has."""
    step = stack_of(settings, n, device)
    with FlopCounterMode(display=False) as counter:
        step()
    took, nan = seconds(step, steps, device), float("nan")
    whole = settings["steps"] * took / 60
    share = counter.get_total_flops() / took / rate
    return [
        ("stack_steps_per_second", 1 / took, "1/s", nan, f"of a stack of {n} grokking runs"),
        ("stack_share_of_matrix_rate", share, "share", nan, "its matrix products alone counted"),
        ("stack_minutes", whole, "min", nan, f"{n} runs of {settings['steps']} steps, all at once"),
    ]


def losses_apart(settings: dict, device: torch.device) -> float:
    """Largest relative difference of two replicas' losses from those on the CPU."""
    here, there = (stack_of(settings, 2, place) for place in (torch.device("cpu"), device))
    apart = [there().cpu() / here() - 1 for _ in range(N_COMPARED)]
    return float(torch.stack(apart).abs().max())  # unlike Python's, torch's max keeps a NaN


def study_rows(cpu: Path, other: Path) -> list[Row]:
    """Of the comparative tables: largest difference of the risks, and of the final accuracies.

    It is NaN if the other study lacks a value that the CPU's has.
    """
    key = ["configuration", "task", "metric"]
    tables = [pd.read_csv(folder / "tables/comparative_metrics.csv") for folder in (cpu, other)]
    both = tables[0].drop_duplicates(key).merge(tables[1].drop_duplicates(key), on=key)
    rows = []
    for name, start in (("study_risks", "MSE/d"), ("study_accuracies", "accuracy")):
        own = both[both["metric"].str.startswith(start)].dropna(subset="value_x")
        if own.empty:
            raise ValueError(f"{cpu}, {other}: their tables share no row whose metric is {start}")
        apart = (own["value_y"] - own["value_x"]).abs().max(skipna=False)
        rows.append((name, apart, start, APART, f"largest of {len(own)} differences"))
    return rows
