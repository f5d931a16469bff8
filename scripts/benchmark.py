"""Time the training steps: what one costs, what bounds it, and what a stack of replicas saves.

The addition network: our step in float32, and with the products of the MLP in bfloat16, against
the same network in TransformerLens, against our general form, and against the floor, which is
the time of the step's matrix products alone. Both tasks' networks: stacks of 1 to 32 replicas.

    python scripts/benchmark.py --output benchmark.csv     # worth reading on an idle machine

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
from time import perf_counter

import pandas as pd
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

from mechanics.benchmark import compared
from mechanics.benchmark.steps import Step, addition_variants, stack_of
from mechanics.runtime.device import choose_device
from mechanics.runtime.files import atomic
from mechanics.settings import ConfigError, as_argument, read_settings
from mechanics.study import config
from mechanics.study.lineage import ROOT

Row = tuple[str, float, str, str]  # quantity, value, unit, note

VARIANTS = {  # of a step of the addition network
    "table_rows": "our training step",
    "products": "the floor: the matrix products of our step alone",
    "bfloat16": "our training step with mlp_dtype: bfloat16",
    "bfloat16_products": "its floor: the matrix products of that step alone",
    "collapsed": "our optimiser, the path of other networks: every distinct row once",
    "transformer_lens": "native model, torch.optim.AdamW, PyTorch as installed",
    "transformer_lens_onednn": "the same with the matrix products that this project chooses",
}
COLUMNS = ["quantity", "value", "unit", "note"]
COMPARED = ["quantity", "value", "unit", "allowed", "note"]
TIMED = {"modular_addition": "softmax_L1", "linear_regression": "linear_L1"}
SIZES = (1, 2, 4, 8, 16, 32)  # replicas of a stack
LOG_WIDTH = 130  # columns
BUSY = 0.5  # processes per core before the start; starting the benchmark makes some


def main() -> None:
    arguments = parse_arguments()
    try:
        settings = {task: read_settings(getattr(arguments, task)) for task in TIMED}
        if arguments.device:
            rows = pd.DataFrame(compared.compare(arguments, settings), columns=COMPARED)
        else:
            rows = pd.DataFrame(run(arguments, *settings.values()), columns=COLUMNS)
    except (ConfigError, OSError, ValueError) as error:
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
    parser.add_argument("--output", required=True, type=Path, help="CSV, one row per quantity")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--quick", action="store_true", help="few repeats, small stacks: does it work?"
    )
    device = parser.add_argument_group("a device compared with the CPU")
    device.add_argument("--device", help="cuda; cpu tries the comparison itself")
    words = "folders of the quick study as a CPU and as this device made it"
    device.add_argument("--studies", type=Path, nargs=2, help=words)
    return parser.parse_args()


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
    steps = addition_variants(addition)
    with FlopCounterMode(display=False) as counter:
        steps["products"]()
    repeats, warm_up = (3, 1) if arguments.quick else (40, 60)
    rows += addition_rows(measure(steps, repeats, warm_up), counter.get_total_flops())
    # every size; large stacks of addition take gigabytes, and seconds a step
    for task, settings, repeats in (("addition", addition, 10), ("regression", regression, 100)):
        stacks = {str(n): stack_of(settings, n, torch.device("cpu")) for n in SIZES}
        rows += stack_rows(task, measure(stacks, *((3, 1) if arguments.quick else (repeats, 30))))
    return rows


def load_row() -> Row:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    note = f"that ran or waited in the minute before the start; {cores} cores; well below"
    note += f" {BUSY} nothing ran beside it"
    return "load_per_core", os.getloadavg()[0] / cores, "processes", note


def measure(steps: dict[str, Step], repeats: int, warm_up: int) -> dict[str, pd.Series]:
    """Milliseconds of every repeat of every step; the steps take turns.

    Each step runs ``warm_up`` times first: what is set up at first use is not its own, nor are
    fresh pages of memory, which on some virtual machines cost more than the step. In its turn it
    runs twice and the second is timed: it finds its own data in the caches, as in a training.
    """
    names, console = ", ".join(steps), Console(stderr=True)
    for step in track(steps.values(), f"Warming up {names}", console=console):
        for _ in range(warm_up):
            step()
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in track(range(repeats), f"Timing {names}", console=console):
        for name, step in steps.items():
            step()
            started = perf_counter()
            step()
            times[name].append(1e3 * (perf_counter() - started))
    return {name: pd.Series(own) for name, own in times.items()}


def timing(quantity: str, times: pd.Series, note: str) -> Row:
    """The row of a quantity that was measured several times, in milliseconds."""
    low, median, high = times.quantile([0.25, 0.5, 0.75])
    spread = f"median of {len(times)}, quartiles {low:.3g} and {high:.3g}"
    return quantity, median, "ms", f"{note}; {spread}"


def addition_rows(times: dict[str, pd.Series], flops: int) -> list[Row]:
    """Of every one of ``VARIANTS``; ``flops`` are those of the products of one step."""
    rows = [timing(f"addition_step_{name}", times[name], note) for name, note in VARIANTS.items()]
    median = {name: own.median() for name, own in times.items()}

    def work(floor: str) -> str:
        rate = flops / median[floor] / 1e6
        return f"floor / our step; {flops / 1e9:.3g} GFLOP at {rate:.3g} GFLOP/s"

    others = ("transformer_lens", "transformer_lens_onednn", "collapsed")
    rounded, alone = "bfloat16_products", "the same for the matrix products alone"
    ratios = [  # quantity, one time, the other, unit, note
        ("share_of_floor", "products", "table_rows", "share", work("products")),
        ("share_of_floor_bfloat16", rounded, "bfloat16", "share", work(rounded)),
        ("speedup_of_bfloat16", "table_rows", "bfloat16", "x", "our step / our bfloat16 step"),
        ("speedup_of_bfloat16_products", "products", rounded, "x", alone),
        *((f"speedup_over_{n}", n, "table_rows", "x", "its step / our step") for n in others),
    ]
    return rows + [
        (f"addition_{quantity}", median[one] / median[other], unit, note)
        for quantity, one, other, unit, note in ratios
    ]


def stack_rows(task: str, times: dict[str, pd.Series]) -> list[Row]:
    """Of steps of stacks by their number of replicas, smallest first."""
    rows, each = [], {size: own.median() / int(size) for size, own in times.items()}
    for size, own in times.items():
        rows.append(timing(f"stack_{task}_{size}_step", own, f"{size} replicas in one step"))
        quantity = f"stack_{task}_{size}_per_replica"
        rows.append((quantity, each[size], "ms", "of the step, for each replica"))
    best, alone = min(each, key=each.get), next(iter(each.values()))
    note = f"at once are cheapest: {each[best]:.3g} ms for each, {alone:.3g} ms for one by itself"
    return [*rows, (f"stack_{task}_cheapest", float(best), "replicas", note)]


if __name__ == "__main__":
    main()
