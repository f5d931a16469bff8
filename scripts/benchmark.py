"""Time the training steps: what one costs, what bounds it, and what a stack of replicas saves.

The addition network: our step in float32, and with the products of the MLP in bfloat16, against
the same network in TransformerLens, against our general forms, and against the floor, which is
the time of the step's matrix products alone. The regression network: ten stacked seeds against
one, in parts. Both: stacks of 1 to 32 replicas.

    python scripts/benchmark.py --output /tmp/benchmark.csv     # worth reading on an idle machine
    python scripts/benchmark.py --show results/full/tables/benchmark.csv
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

from mechanics.benchmark.rows import Row, addition_rows, measure, regression_rows, stack_rows
from mechanics.benchmark.steps import (
    addition_step,
    addition_variants,
    regression_step,
    settings_arguments,
)
from mechanics.models.weights import read_network
from mechanics.runtime.device import choose_device
from mechanics.runtime.files import atomic
from mechanics.settings import ConfigError, read_settings
from mechanics.study.lineage import ROOT
from mechanics.training.checkpoint import CheckpointError

COLUMNS = ("quantity", "value", "unit", "note")
SIZES = (1, 2, 4, 8, 16, 32)  # replicas of a stack
LOG_WIDTH = 130  # columns
BUSY = 0.5  # processes per core before the start; starting the benchmark makes some


def main() -> None:
    arguments = parse_arguments()
    try:
        if arguments.show:
            return show(read(arguments.show))
        rows = pd.DataFrame(run(arguments), columns=COLUMNS)
    except (CheckpointError, ConfigError, OSError, ValueError) as error:
        sys.exit(f"benchmark.py: {error}")
    with atomic(arguments.output) as part:
        rows.to_csv(part, index=False)
    show(rows)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    settings_arguments(parser)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--output", type=Path, help="CSV, one row per quantity")
    what.add_argument("--show", type=Path, help="such a CSV: print it, measure nothing")
    words = "folder of a study: the final weights of its addition network are timed, too"
    parser.add_argument("--study", type=Path, default=ROOT / "results/published", help=words)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="few repeats: does it work?")
    return parser.parse_args()


def read(path: Path) -> pd.DataFrame:
    """A table that this program wrote. Raises ValueError for another file, OSError for none."""
    rows = pd.read_csv(path)
    if [*rows] != [*COLUMNS]:
        raise ValueError(f"{path}: columns {', '.join(rows)}, expected {', '.join(COLUMNS)}")
    return rows


def show(rows: pd.DataFrame) -> None:
    """Print the table, and below it a warning if the machine was not idle."""
    console = Console()
    if not console.is_terminal:  # a log: the notes are long
        console = Console(width=LOG_WIDTH)
    table = Table(*COLUMNS)
    for row in rows.itertuples():
        value = f"{row.value:,.0f}" if abs(row.value) >= 100 else f"{row.value:.3g}"
        table.add_row(row.quantity, value, row.unit, row.note)
    console.print(table)
    load = rows.set_index("quantity")["value"].get("load_per_core", 0.0)
    if load >= BUSY:
        console.print(
            f"[bold]Something else was running ({load:.2g} processes per core before the start):"
            " the times are of a machine that was shared, ratios of steps that took turns less so."
        )


def run(arguments: argparse.Namespace) -> list[Row]:
    load = load_row()  # before anything here adds to it
    choose_device("cpu", arguments.threads)
    versions = f"torch {torch.__version__}, TransformerLens {version('transformer-lens')}"
    rows: list[Row] = [("threads", float(arguments.threads), "threads", f"CPU, {versions}"), load]
    addition, regression = map(read_settings, (arguments.addition, arguments.regression))
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
    for task, stacked_step, settings, repeats in (
        ("addition", addition_step, addition, 10),
        ("regression", regression_step, regression, 100),
    ):
        steps = {str(n): stacked_step(settings, n, torch.device("cpu")) for n in SIZES}
        times = measure(steps, 3 if quick else repeats, 1 if quick else 30)
        rows += stack_rows(task, {int(name): frame for name, frame in times.items()})
    return rows


if __name__ == "__main__":
    main()
