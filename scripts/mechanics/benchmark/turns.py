"""How steps are timed: warmed up, then in turns, so that other work on the machine meets all."""

import pandas as pd
from rich.console import Console
from rich.progress import track

from mechanics.benchmark.steps import Step

Row = tuple[str, float, str, str]  # quantity, value, unit, note


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
