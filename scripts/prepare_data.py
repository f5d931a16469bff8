"""Prepare the data of a task: held-out prompts (regression), or a seed's split of all pairs.

By hand, from the project's root:
    python scripts/prepare_data.py --task modular_addition --seed 0 --output split.parquet \\
        --settings '{"p": 113, "train_fraction": 0.3}'
"""

import argparse
from importlib import import_module
from pathlib import Path

from mechanics.settings import read_settings

# The module of each task, imported by name: neither depends on the files of the other.
DATA = {
    "linear_regression": "mechanics.regression.data",
    "modular_addition": "mechanics.addition.data",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--task", required=True, choices=DATA)
    parser.add_argument("--settings", required=True, help="JSON: what the data depend on")
    parser.add_argument("--seed", type=int, help="of the split; prompts are the same for all seeds")
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()
    prepare = import_module(DATA[arguments.task]).prepare
    prepare(read_settings(arguments.settings), arguments.output, arguments.seed)


if __name__ == "__main__":
    main()
