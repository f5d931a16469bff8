"""Time the training steps: what one costs, what bounds it, and what a stack of replicas saves.

The addition network: our step in float32, and with the products of the MLP in bfloat16, against
the same network in TransformerLens, against our general forms, and against the floor, which is
the time of the step's matrix products alone. The regression network: ten stacked seeds against
one, in parts. Both: stacks of 1 to 32 replicas.

    python scripts/benchmark.py --output /tmp/benchmark.csv     # worth reading on an idle machine
    python scripts/benchmark.py --show results/full/tables/benchmark.csv

With --device another table: what a GPU does for this study, a stack of grokking runs timed on it,
and how far its results are from the CPU's. It ends with 1 if that is further than the table allows.
``make gpu`` runs the quick study on both first, then this:

    python scripts/benchmark.py --device cuda --studies results/quick_cpu results/quick_cuda \\
        --output gpu.csv
"""

import argparse
import os
import sys
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import torch
from rich.console import Console
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

from mechanics.benchmark import compared
from mechanics.benchmark.rows import Row, addition_rows, measure, regression_rows, stack_rows
from mechanics.benchmark.steps import STACKED_STEPS, addition_variants, regression_step
from mechanics.models.weights import read_network
from mechanics.runtime.device import choose_device
from mechanics.runtime.files import atomic
from mechanics.settings import ConfigError, as_argument, read_settings
from mechanics.study import config
from mechanics.study.lineage import ROOT
from mechanics.training.checkpoint import CheckpointError

COLUMNS = ["quantity", "value", "unit", "note"]
COMPARED = ["quantity", "value", "unit", "allowed", "note"]
TIMED = {"modular_addition": "softmax_L1", "linear_regression": "linear_L1"}
SIZES = (1, 2, 4, 8, 16, 32)  # replicas of a stack
LOG_WIDTH = 130  # columns
BUSY = 0.5  # processes per core before the start; starting the benchmark makes some


def main() -> None:
    arguments = parse_arguments()
    try:
        if arguments.show:
            return show(read(arguments.show))
        settings = {task: read_settings(getattr(arguments, task)) for task in TIMED}
        if arguments.device:
            rows = pd.DataFrame(compared.compare(arguments, settings), columns=COMPARED)
        else:
            rows = pd.DataFrame(run(arguments, *settings.values()), columns=COLUMNS)
    except (CheckpointError, ConfigError, OSError, ValueError) as error:
        sys.exit(f"benchmark.py: {error}")
    with atomic(arguments.output) as part:
        rows.to_csv(part, index=False)
    show(rows)
    bounded = rows.dropna(subset="allowed") if arguments.device else rows[:0]
    if wrong := [row.quantity for row in bounded.itertuples() if not row.value <= row.allowed]:
        sys.exit(f"benchmark.py: not as on the CPU: {', '.join(wrong)}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    study = config.load([str(ROOT / "config/config.yaml")])
    for task, model in TIMED.items():
        default = as_argument(config.training_settings(study, task, model))
        words = f"settings, JSON or a file; default: {model} of config/config.yaml"
        parser.add_argument(f"--{task.split('_')[1]}", dest=task, default=default, help=words)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--output", type=Path, help="CSV, one row per quantity")
    what.add_argument("--show", type=Path, help="such a CSV: print it, measure nothing")
    words = "folder of a study: the final weights of its addition network are timed, too"
    parser.add_argument("--study", type=Path, default=ROOT / "results/published", help=words)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="few repeats: does it work?")
    device = parser.add_argument_group("a device compared with the CPU")
    device.add_argument("--device", help="cuda; cpu tries the comparison itself")
    words = "folders of the quick study as a CPU and as this device made it"
    device.add_argument("--studies", type=Path, nargs=2, help=words)
    device.add_argument("--replicas", type=int, default=64, help="of the stack that is timed")
    device.add_argument("--steps", type=int, default=100, help="that are timed")
    device.add_argument("--matrix", type=int, default=8192, help="rows of the product timed")
    return parser.parse_args()


def read(path: Path) -> pd.DataFrame:
    """A table that this program wrote. Raises ValueError for another file, OSError for none."""
    rows = pd.read_csv(path)
    if [*rows] not in (COLUMNS, COMPARED):
        raise ValueError(f"{path}: columns {', '.join(rows)}, expected {', '.join(COLUMNS)}")
    return rows


def show(rows: pd.DataFrame) -> None:
    """Print the table, and below it a warning if the machine was not idle."""
    console = Console()
    if not console.is_terminal:  # a log: the notes are long
        console = Console(width=LOG_WIDTH)
    table = Table(*rows)
    for row in rows.itertuples(index=False):
        table.add_row(*map(written, row))
    console.print(table)
    load = rows.set_index("quantity")["value"].get("load_per_core", 0.0)
    if load >= BUSY:
        console.print(
            f"[bold]Something else was running ({load:.2g} processes per core before the start):"
            " the times are of a machine that was shared, ratios of steps that took turns less so."
        )


def written(cell: str | float) -> str:
    if isinstance(cell, str):
        return cell
    return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.3g}".replace("nan", "")


def run(arguments: argparse.Namespace, addition: dict, regression: dict) -> list[Row]:
    load = load_row()  # before anything here adds to it
    choose_device("cpu", arguments.threads)
    versions = f"torch {torch.__version__}, TransformerLens {version('transformer-lens')}"
    rows: list[Row] = [("threads", float(arguments.threads), "threads", f"CPU, {versions}"), load]
    trained = trained_weights(arguments.study)
    rows += training_steps(addition, regression, trained, arguments.quick)
    return rows + stacks(addition, regression, arguments.quick)


def load_row() -> Row:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    note = f"that ran or waited in the minute before the start; {cores} cores; well below"
    note += f" {BUSY} nothing ran beside it"
    return "load_per_core", os.getloadavg()[0] / cores, "processes", note


def trained_weights(folder: Path) -> dict[str, torch.Tensor] | None:
    """Final weights of seed 0 of a study's addition network, if they are there."""
    path = folder / "weights/modular_addition/softmax_L1/seed0.safetensors"
    if not path.exists():
        return None
    return {name: tensor[0] for name, tensor in read_network(path).weights.items()}


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
    for task, settings, repeats in (("addition", addition, 10), ("regression", regression, 100)):
        stacked_step = STACKED_STEPS[settings["task"]]
        steps = {str(n): stacked_step(settings, n, torch.device("cpu")) for n in SIZES}
        times = measure(steps, 3 if quick else repeats, 1 if quick else 30)
        rows += stack_rows(task, {int(name): frame for name, frame in times.items()})
    return rows


if __name__ == "__main__":
    main()
