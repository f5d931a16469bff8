"""Draw one figure from its tables, by the function and module of its name in mechanics.figures.

The module is imported by name, so that a figure depends on its own module and on no other.
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pandas as pd

from mechanics.figures import style
from mechanics.study.lineage import short_id
from mechanics.tables.frames import read_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figure", required=True, help="its name")
    words = "in the order of its arguments; history.parquet of all runs are the first"
    parser.add_argument("--tables", required=True, type=Path, nargs="+", help=words)
    parser.add_argument("--output", required=True, type=Path, help="folder of the figures")
    arguments = parser.parse_args()
    try:
        module = import_module(f"mechanics.figures.{arguments.figure}")
        draw = getattr(module, arguments.figure)
    except (ModuleNotFoundError, AttributeError) as error:
        sys.exit(f"plot.py: no figure {arguments.figure}: {error}")
    style.use_style()
    try:
        figure = draw(*shown(module, read(arguments.tables)))
    except style.NothingToDraw as missing:
        print(f"{arguments.figure}: nothing to draw: {missing}")
        figure = style.empty_frame(str(missing))
    made_from = short_id(arguments.tables, Path(__file__), Path(module.__file__))
    style.save(figure, arguments.output, arguments.figure, made_from)


def shown(module: ModuleType, tables: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """What a figure shows of its tables: main configurations, unless it asks for all arms.

    Raises NothingToDraw, saying what is missing.
    """
    if not getattr(module, "ALL_ARMS", False):
        tables = [of_main_arm(table) for table in tables]
    style.require_data(tables)
    return tables


def read(paths: list[Path]) -> list[pd.DataFrame]:
    """The tables in their order, after the histories of runs, …/{model}/{block}/history.parquet."""
    histories = [path for path in paths if path.name == "history.parquet"]
    tables = [read_table(path) for path in paths if path not in histories]
    own = [pd.read_parquet(path).assign(model=path.parts[-3]) for path in histories]
    return [pd.concat(own, ignore_index=True), *tables] if own else tables


def of_main_arm(table: pd.DataFrame) -> pd.DataFrame:
    """Without the rows of variants, if it is a table of addition networks and has such."""
    return table[table["arm"] == "main"] if "entry" in table else table


if __name__ == "__main__":
    main()
