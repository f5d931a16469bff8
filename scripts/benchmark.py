"""Time the training steps and the workflow, say what bounds them, and forecast a study's cost.

The addition network: our step (collapsed forward pass, stacked AdamW) in float32, and with the
products of the MLP in bfloat16, against the same network in TransformerLens, against our plain
full-sequence form, and against the floor, which is the time of the step's matrix products alone.
The regression network: ten stacked seeds against one, in parts. Both: stacks of 1 to 32 replicas.
The workflow: planning, one more job, the start of a program. A finished study: its cost on n cores.

    python scripts/benchmark.py --output /tmp/benchmark.csv     # worth reading on an idle machine
    python scripts/benchmark.py --show results/full/tables/benchmark.csv
"""

import argparse
import os
import sys
from importlib.metadata import version
from pathlib import Path
from statistics import median

import pandas as pd
import torch
from rich.console import Console
from torch.utils.flop_counter import FlopCounterMode

from mechanics.benchmark import overhead, show
from mechanics.benchmark.forecast import (
    finished_study,
    forecast_rows,
    missing_row,
    recorded_jobs,
)
from mechanics.benchmark.gpu import gpu_row
from mechanics.benchmark.rows import addition_rows, regression_rows, stack_rows
from mechanics.benchmark.steps import addition_step, addition_variants, regression_step
from mechanics.benchmark.turns import Row, measure
from mechanics.runtime.device import choose_device
from mechanics.runtime.files import atomic
from mechanics.settings import ConfigError, as_argument, read_settings
from mechanics.study import config as study
from mechanics.study.lineage import ROOT
from mechanics.training.checkpoint import read_tensors

SIZES = (1, 2, 4, 8, 16, 32)  # replicas of a stack
LOG_WIDTH = 130  # columns


def main() -> None:
    arguments = parse_arguments()
    try:
        if arguments.show:
            return print_tables(read(arguments.show))
        rows = pd.DataFrame(run(arguments), columns=show.COLUMNS)
    except (ConfigError, OSError, RuntimeError, ValueError) as error:
        sys.exit(f"benchmark.py: {error}")
    with atomic(arguments.output) as part:
        rows.to_csv(part, index=False)
    print_tables(rows)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    config = study.load([str(ROOT / "config/config.yaml")])
    for task, model in (("modular_addition", "softmax_L1"), ("linear_regression", "linear_L1")):
        default = as_argument(study.training_settings(config, task, model))
        words = f"settings, JSON or a file; default: {model} of config/config.yaml"
        parser.add_argument(f"--{task.split('_')[1]}", default=default, help=words)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--output", type=Path, help="CSV, one row per quantity")
    what.add_argument("--show", type=Path, help="such a CSV: print its tables, measure nothing")
    words = "folder of the study whose cost is forecast, if it is finished"
    parser.add_argument("--study", type=Path, default=ROOT / "results/full", help=words)
    words = "used instead if it is of that study"
    parser.add_argument("--published", type=Path, default=ROOT / "results/published", help=words)
    parser.add_argument("--config-files", nargs="*", default=[], help="of the study to plan")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="few repeats: does it work?")
    return parser.parse_args()


def read(path: Path) -> pd.DataFrame:
    """A table that this program wrote. Raises ValueError for another file, OSError for none."""
    rows = pd.read_csv(path)
    if [*rows] != [*show.COLUMNS]:
        raise ValueError(f"{path}: columns {', '.join(rows)}, expected {', '.join(show.COLUMNS)}")
    return rows


def print_tables(rows: pd.DataFrame) -> None:
    console = Console()
    if not console.is_terminal:  # a log: the notes are long
        console = Console(width=LOG_WIDTH)
    for table in show.tables(rows):
        console.print(table, "")
    if said := show.warning(rows):
        console.print(f"[bold]{said}[/bold]")


def run(arguments: argparse.Namespace) -> list[Row]:
    load = load_row()  # before anything here adds to it
    folder = finished_study(arguments.study, arguments.published)
    records = recorded_jobs(folder) if folder else None  # a bad one is said before minutes of work
    choose_device("cpu", arguments.threads)
    versions = f"torch {torch.__version__}, TransformerLens {version('transformer-lens')}"
    rows: list[Row] = [("threads", float(arguments.threads), "threads", f"CPU, {versions}"), load]
    overheads = workflow(arguments.config_files, arguments.quick)
    addition, regression = map(read_settings, (arguments.addition, arguments.regression))
    rows += training_steps(addition, regression, trained_weights(folder), arguments.quick)
    rows += stacks(addition, regression, arguments.quick)
    rows += overheads
    if folder is None:
        return [*rows, missing_row(arguments.study, arguments.published)]
    per_job = next(value for name, value, *_ in overheads if name == "workflow_per_job")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    few = {"stack": 2, "repeats": 2, "warm_up": 1} if arguments.quick else {}
    on_gpu = gpu_row(folder, device, **few)
    return [*rows, *forecast_rows(folder, *records, per_job), on_gpu]


def load_row() -> Row:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    note = f"that ran or waited in the minute before the start; {cores} cores; well below"
    note += f" {show.BUSY} nothing ran beside it"
    return "load_per_core", os.getloadavg()[0] / cores, "processes", note


def trained_weights(study: Path | None) -> dict[str, torch.Tensor] | None:
    """Final weights of seed 0 of the addition network in a finished study, if there is one."""
    path = study / "weights/modular_addition/softmax_L1/seed0.safetensors" if study else None
    return read_tensors(path)[0] if path and path.exists() else None


def training_steps(
    addition: dict, regression: dict, trained: dict[str, torch.Tensor] | None, quick: bool
) -> list[Row]:
    steps = addition_variants(addition, trained)
    with FlopCounterMode(display=False) as counter:
        steps["products"]()
    repeats, warm_up = (3, 1) if quick else (40, 60)
    rows = addition_rows(measure(steps, repeats, warm_up), counter.get_total_flops())
    cpu = torch.device("cpu")
    one_and_ten = {str(n): regression_step(regression, n, cpu) for n in (1, 10)}
    times = measure(one_and_ten, 3 if quick else 400, warm_up)
    return rows + regression_rows(times["1"], times["10"])


def stacks(addition: dict, regression: dict, quick: bool) -> list[Row]:
    """Every size of both tasks. Large stacks of addition take gigabytes, and seconds a step."""
    rows = []
    for task, stacked_step, settings, repeats in (
        ("addition", addition_step, addition, 10),
        ("regression", regression_step, regression, 100),
    ):
        steps = {str(n): stacked_step(settings, n, torch.device("cpu")) for n in SIZES}
        times = measure(steps, 3 if quick else repeats, 1 if quick else 30)
        rows += stack_rows(task, {int(name): frame for name, frame in times.items()})
    return rows


def workflow(config_files: list[str], quick: bool) -> list[Row]:
    console = Console(stderr=True)
    with console.status("Timing the workflow"):
        planning, n_jobs = overhead.plan(config_files)
        few, many = (1, 3) if quick else (5, 45)
        per_job = overhead.seconds_per_job(few, many)
        starts = [overhead.start_of_program() for _ in range(1 if quick else 5)]
    plan = f"snakemake --dry-run of the whole study, {n_jobs} jobs, as if nothing were there yet"
    job = f"slope between {few} and {many} jobs that do nothing, on one core"
    job += f"; all {n_jobs} of the study: {n_jobs * per_job / 60:.2g} min"
    start = (
        "scripts/train.py --help: Python, torch and our modules; every job pays for such a start"
    )
    return [
        ("workflow_planning", planning, "s", plan),
        ("workflow_per_job", per_job, "s", job),
        ("workflow_program_start", median(starts), "s", f"{start}; median of {len(starts)}"),
    ]


if __name__ == "__main__":
    main()
