"""Tables for a terminal, from the rows of a benchmark."""

import io
import math

import pandas as pd
from rich.console import Console

from mechanics.benchmark import show

ROWS = [
    ("threads", 1, "threads", "CPU"),
    ("load_per_core", 0.1, "processes", "idle"),
    ("addition_step_collapsed", 28.1234, "ms", "our training step"),
    ("stack_addition_1_step", 28.0, "ms", ""),
    ("stack_addition_1_per_replica", 28.0, "ms", ""),
    ("stack_addition_32_step", 1120.0, "ms", ""),
    ("stack_addition_32_per_replica", 35.0, "ms", ""),
    ("stack_addition_cheapest", 1, "replicas", "cheapest for each"),
    ("forecast_on_one_gpu", math.nan, "min", "no GPU here: not forecast"),
]


def drawn(rows: pd.DataFrame) -> str:
    console = Console(width=120, record=True, file=io.StringIO())
    for table in show.tables(rows):
        console.print(table)
    return console.export_text()


def frame(**values) -> pd.DataFrame:
    rows = pd.DataFrame(ROWS, columns=show.COLUMNS)
    return rows.assign(value=rows["quantity"].map(values).fillna(rows["value"]))


def test_themes_have_a_table_each_and_themes_without_rows_none():
    text = drawn(frame())
    titles = [line for line in text.splitlines() if line.strip() and line[0].isalpha()]
    titles = [line.strip() for line in titles]
    assert titles == [
        "This run",
        show.THEMES["addition"],
        show.THEMES["stack"],
        "addition: 1 cheapest for each",
        show.THEMES["forecast"],
    ]


def test_stacks_are_lines_and_the_cheapest_is_marked():
    lines = [line.split() for line in drawn(frame()).splitlines()]
    assert ["│", "1", "│", "28", "│", "28", "←", "│"] in lines
    assert ["│", "32", "│", "1,120", "│", "35", "│"] in lines


def test_what_was_not_forecast_has_no_number():
    (line,) = (line for line in drawn(frame()).splitlines() if "one_gpu" in line)
    assert "–" in line and "no GPU here" in line and "nan" not in line


def test_a_shared_machine_is_warned_of():
    assert show.warning(frame()) is None
    assert "2.5 processes per core" in show.warning(frame(load_per_core=2.5))
    assert show.warning(frame().iloc[:1]) is None
