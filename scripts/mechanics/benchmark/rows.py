"""Steps timed in turns, and what their times amount to: rows of the benchmark's table."""

import itertools

import pandas as pd
from rich.console import Console
from rich.progress import track

from mechanics.benchmark.steps import PARTS, Step

Row = tuple[str, float, str, str]  # quantity, value, unit, note

ADDITION = {
    "table_rows": "our training step",
    "products": "the floor: the matrix products of our step alone",
    "bfloat16": "our training step with mlp_dtype: bfloat16",
    "bfloat16_products": "its floor: the matrix products of that step alone",
    "collapsed": "our optimiser, the path of other networks: every distinct row once",
    "full_sequence": "our optimiser, every position of every pair computed",
    "transformer_lens": "native model, torch.optim.AdamW, PyTorch as installed",
    "transformer_lens_onednn": "the same with the matrix products that this project chooses",
    "trained": "our training step from the weights of a network that has grokked",
}


def measure(steps: dict[str, Step], repeats: int, warm_up: int) -> dict[str, pd.DataFrame]:
    """Milliseconds of every step: a row per repeat, a column per part; the steps take turns.

    Each step runs ``warm_up`` times first: what is set up at first use is not its own, nor are
    fresh pages of memory, which on some virtual machines cost more than the step. In its turn it
    runs twice and the second is kept: it finds its own data in the caches, as in a training.
    """
    names, console = ", ".join(steps), Console(stderr=True)
    for step in track(steps.values(), f"Warming up {names}", console=console):
        for _ in range(warm_up):
            step()
    times: dict[str, list[dict]] = {name: [] for name in steps}
    for _ in track(range(repeats), f"Timing {names}", console=console):
        for name, step in steps.items():
            step()
            times[name].append(step()[1])
    return {name: 1e3 * pd.DataFrame(seconds) for name, seconds in times.items()}


def timing(quantity: str, times: pd.Series, note: str) -> Row:
    """The row of a quantity that was measured several times, in milliseconds."""
    low, median, high = times.quantile([0.25, 0.5, 0.75])
    spread = f"median of {len(times)}, quartiles {low:.3g} and {high:.3g}"
    return quantity, median, "ms", f"{note}; {spread}"


def addition_rows(times: dict[str, pd.DataFrame], flops: int) -> list[Row]:
    """Of those ``ADDITION`` that were timed; ``flops`` are those of the products of one step."""
    timed = {name: note for name, note in ADDITION.items() if name in times}
    rows = [timing(f"addition_step_{n}", times[n]["step"], note) for n, note in timed.items()]
    median = {name: times[name]["step"].median() for name in timed}

    def work(floor: str) -> str:
        rate = flops / median[floor] / 1e6
        return f"floor / our step; {flops / 1e9:.3g} GFLOP at {rate:.3g} GFLOP/s"

    others = ("transformer_lens", "transformer_lens_onednn", "full_sequence", "collapsed")
    rounded, alone = "bfloat16_products", "the same for the matrix products alone"
    denormal = "far above 1 where denormal numbers slow the CPU down"
    ratios = [  # quantity, one time, the other, unit, note
        ("share_of_floor", "products", "table_rows", "share", work("products")),
        ("share_of_floor_bfloat16", rounded, "bfloat16", "share", work(rounded)),
        ("speedup_of_bfloat16", "table_rows", "bfloat16", "x", "our step / our bfloat16 step"),
        ("speedup_of_bfloat16_products", "products", rounded, "x", alone),
        *((f"speedup_over_{n}", n, "table_rows", "x", "its step / our step") for n in others),
        ("trained_over_initial", "trained", "table_rows", "x", f"its step / our step; {denormal}"),
    ]
    return rows + [
        (f"addition_{quantity}", median[one] / median[other], unit, note)
        for quantity, one, other, unit, note in ratios
        if one in median
    ]


def regression_rows(one: pd.DataFrame, ten: pd.DataFrame) -> list[Row]:
    """One seed against ten stacked ones, in parts."""
    notes = {"step": "a whole training step", **PARTS}
    stacks = {"one_seed": one, "ten_seeds": ten}
    names = itertools.product(stacks, notes)
    rows = [timing(f"regression_{s}_{part}", stacks[s][part], notes[part]) for s, part in names]
    one, ten = one.median(), ten.median()
    bound = ten[[*PARTS]].idxmax()
    parts = ", ".join(f"{part} {ten[part] / one[part]:.2f}x" for part in PARTS)
    note = f"{parts}; bound by {bound} ({PARTS[bound]}), {ten[bound] / ten['step']:.0%} of the step"
    return [*rows, ("regression_ten_seeds_over_one", ten["step"] / one["step"], "x", note)]


def stack_rows(task: str, times: dict[int, pd.DataFrame]) -> list[Row]:
    """Of steps of stacks by their number of replicas, smallest first."""
    rows = []
    for size, frame in times.items():
        step = frame["step"]
        rows.append(timing(f"stack_{task}_{size}_step", step, f"{size} replicas in one step"))
        quantity = f"stack_{task}_{size}_per_replica"
        rows.append((quantity, step.median() / size, "ms", "of the step, for each replica"))
    each = {size: frame["step"].median() / size for size, frame in times.items()}
    best, alone = min(each, key=each.get), each[min(each)]
    note = f"at once are cheapest: {each[best]:.3g} ms for each, {alone:.3g} ms for one by itself"
    return [*rows, (f"stack_{task}_cheapest", float(best), "replicas", note)]
