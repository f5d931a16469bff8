"""Draw one figure from its tables, by the function of its name in a module of mechanics.figures.

The module is imported by name, so that a figure depends on its own module and on no other.
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path

from mechanics.figures import style
from mechanics.study.lineage import short_id
from mechanics.tables.frames import read_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figure", required=True, help="its name, which is its function's")
    parser.add_argument("--module", required=True, help="its module in mechanics.figures")
    parser.add_argument(
        "--tables", required=True, type=Path, nargs="+", help="in the order of its arguments"
    )
    parser.add_argument("--arm", help="draw this arm of the tables alone, e.g. main")
    parser.add_argument("--output", required=True, type=Path, help="folder of the figures")
    arguments = parser.parse_args()
    try:
        module = import_module(f"mechanics.figures.{arguments.module}")
        draw = getattr(module, arguments.figure)
    except (ModuleNotFoundError, AttributeError) as error:
        sys.exit(f"plot.py: no figure {arguments.figure} in {arguments.module}: {error}")
    style.use_style()
    tables = [read_table(path) for path in arguments.tables]
    if arguments.arm:
        tables = [table[table["arm"] == arguments.arm] for table in tables]
    try:
        style.require_data(tables)
        figure = draw(*tables)
    except style.NothingToDraw as missing:
        print(f"{arguments.figure}: nothing to draw: {missing}")
        figure = style.empty_frame(str(missing))
    made_from = short_id(arguments.tables, Path(__file__), Path(module.__file__))
    style.save(figure, arguments.output, arguments.figure, made_from)


if __name__ == "__main__":
    main()
