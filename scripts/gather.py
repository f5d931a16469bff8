"""Put what one analysis wrote for every run into one table, with the model's name."""

import argparse
from pathlib import Path

from mechanics.settings import read_settings
from mechanics.tables.frames import read_analyses, write_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", required=True, type=Path, nargs="+", help="folders of the runs")
    parser.add_argument(
        "--analysis", required=True, type=Path, nargs="+", help="a parquet of each, in order"
    )
    parser.add_argument(
        "--variants", help="JSON: the model that each variant's name varies (addition networks)"
    )
    parser.add_argument(
        "--output", required=True, type=Path, help="CSV or parquet: model, seed, status, …"
    )
    arguments = parser.parse_args()
    variants = None if arguments.variants is None else read_settings(arguments.variants)
    write_table(read_analyses(arguments.runs, arguments.analysis, variants), arguments.output)


if __name__ == "__main__":
    main()
