"""Draw the figure of a sweep from the table of all its runs."""

import argparse
from pathlib import Path

import pandas as pd

from mechanics.figures import style
from mechanics.figures.grokking_sweep import grokking_sweep


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", required=True, type=Path, help="tables/grokking.csv")
    parser.add_argument("--output", required=True, type=Path, help="folder of the figure")
    arguments = parser.parse_args()
    style.use_style()
    style.save(grokking_sweep(pd.read_csv(arguments.table)), arguments.output, "grokking_sweep")


if __name__ == "__main__":
    main()
