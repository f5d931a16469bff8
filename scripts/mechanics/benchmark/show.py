"""The benchmark's rows as tables for a terminal, one for each theme."""

import pandas as pd
from rich.table import Table

COLUMNS = ("quantity", "value", "unit", "note")
THEMES = {  # by what a quantity's name begins with
    "addition": "Addition network: one training step and what bounds it",
    "regression": "Regression network: one training step, ten stacked seeds against one",
    "stack": "Stacks of replicas: what one more costs",
    "workflow": "The workflow beside the work",
    "forecast": "Forecast of the whole study, from its own records",
}
BUSY = 0.5  # processes per core before the start; planning and starting the benchmark make some


def tables(rows: pd.DataFrame) -> list[Table]:
    """A table for each theme that has rows; the first is of what no theme has: the run itself."""
    theme = rows["quantity"].str.split("_").str[0]
    shown = []
    for name, title in {"run": "This run", **THEMES}.items():
        own = rows[theme.where(theme.isin(THEMES), "run") == name]
        if len(own):
            shown.append(_stacks(title, own) if name == "stack" else _plain(title, own))
    return shown


def warning(rows: pd.DataFrame) -> str | None:
    """What a reader must know of times that were taken while the machine was not idle."""
    load = rows.set_index("quantity")["value"].get("load_per_core")
    if load is None or load < BUSY:
        return None
    return (
        f"Something else was running ({load:.2g} processes per core before the start): the times"
        " are of a machine that was shared, ratios of steps that took turns less so."
    )


def _plain(title: str, rows: pd.DataFrame) -> Table:
    table = _table(title)
    for name in ("quantity", "value", "unit"):
        table.add_column(name, no_wrap=True, justify="right" if name == "value" else "left")
    table.add_column("note")
    for row in rows.itertuples():
        table.add_row(row.quantity, _number(row.value), row.unit, row.note)
    return table


def _stacks(title: str, rows: pd.DataFrame) -> Table:
    """A line for each size; for each task the step, and the step for each replica."""
    pattern = r"stack_(?P<task>\w+?)_(?P<size>\d+)_(?P<what>\w+)"
    parts = rows["quantity"].str.extract(pattern).assign(value=rows["value"])
    values = parts.dropna().astype({"size": int}).set_index(["size", "task", "what"])["value"]
    tasks = values.index.unique("task")
    cheapest = rows[rows["quantity"].str.endswith("_cheapest")].set_index("quantity")
    table = _table(title)
    table.add_column("replicas", justify="right")
    for task in tasks:
        table.add_column(f"{task}, ms a step", justify="right")
        table.add_column("ms for each", justify="right")
    for size in values.index.unique("size"):
        cells = []
        for task in tasks:
            best = size == cheapest["value"].get(f"stack_{task}_cheapest")
            step, each = (_number(values[size, task, what]) for what in ("step", "per_replica"))
            cells += [step, f"[bold]{each} ←[/bold]" if best else each]
        table.add_row(str(size), *cells)
    told = [
        f"{q.split('_')[1]}: {v:.0f} {n}" for q, v, n in cheapest[["value", "note"]].to_records()
    ]
    table.caption = "\n".join(told)
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", caption_justify="left")


def _number(value: float) -> str:
    if pd.isna(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
