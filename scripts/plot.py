"""Draw figures from their tables, each by the function and module of its name in mechanics.figures.

The modules are imported by name, so that a track's figures depend on their own modules alone.
By hand: ``plot.py --figures training_theory:training_theory_curves,training_theory --tables …``.
"""

import argparse
from importlib import import_module
from pathlib import Path
from types import ModuleType

import matplotlib.pyplot as plt
import pandas as pd

from mechanics.figures import style
from mechanics.study.lineage import short_id
from mechanics.tables.frames import read_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    words = "NAME:TABLE,…: with its tables in the order of its arguments, as in figures/registry.py"
    parser.add_argument("--figures", required=True, nargs="+", help=words)
    words = "all that they are drawn from, in any order: tables, and history.parquet of runs"
    parser.add_argument("--tables", required=True, type=Path, nargs="+", help=words)
    parser.add_argument("--output", required=True, type=Path, help="folder of the figures")
    arguments = parser.parse_args()
    tables = read(arguments.tables)
    style.use_style()
    asked = dict(own.split(":") for own in arguments.figures)
    modules = {name: import_module(f"mechanics.figures.{name}") for name in asked}
    sources = [Path(module.__file__) for module in modules.values()]
    made_from = short_id(arguments.tables, Path(__file__), *sources)
    for name, module in modules.items():
        figure = drawn(module, name, [tables[table] for table in asked[name].split(",")])
        style.save(figure, arguments.output, name, made_from)
        plt.close("all")


def drawn(module: ModuleType, name: str, tables: list[pd.DataFrame]) -> plt.Figure:
    """The figure, or a frame that says what is missing."""
    try:
        return getattr(module, name)(*shown(module, tables))
    except style.NothingToDraw as missing:
        print(f"{name}: nothing to draw: {missing}")
        return style.empty_frame(str(missing))


def shown(module: ModuleType, tables: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """What a figure shows of its tables: main configurations, unless it asks for all arms.

    Tables of addition networks, which have a column ``entry``, have rows of variants.

    Raises NothingToDraw, saying what is missing.
    """
    if not getattr(module, "ALL_ARMS", False):
        tables = [t[t["arm"] == "main"] if "entry" in t else t for t in tables]
    style.require_data(tables)
    return tables


def read(paths: list[Path]) -> dict[str, pd.DataFrame]:
    """The tables by name; histories of runs, …/{model}/{block}/history.parquet, are one."""
    histories = [path for path in paths if path.name == "history.parquet"]
    tables = {path.stem: read_table(path) for path in paths if path not in histories}
    own = [pd.read_parquet(path).assign(model=path.parts[-3]) for path in histories]
    return tables | ({"history": pd.concat(own, ignore_index=True)} if own else {})


if __name__ == "__main__":
    main()
