"""Follow one run through its checkpoints: a parquet file for each table.

Of regression ``effective_weights`` and ``algorithms``: which algorithm is it like, and when? Of
addition the progress measures (``progress``, ``spectra``, ``excluded``) and the circles of the
embedding (``embedding_planes``, ``embedding_trace``); key frequencies are those of the last
checkpoint. ``snapshots.safetensors``, for the page, has some of its checkpoints if asked for.
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path

from mechanics.runtime.device import choose_device
from mechanics.settings import ConfigError
from mechanics.tables.frames import write_tables
from mechanics.training.checkpoint import CheckpointError, Run

# The module of each task, imported by name: neither depends on the files of the other.
FOLLOWING = {
    "linear_regression": "mechanics.regression.following",
    "modular_addition": "mechanics.addition.following",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", required=True, type=Path, help="folder of the run")
    words = "the held-out prompts of regression, or parquet with the split of each seed"
    given = {"dest": "data", "required": True, "type": Path, "nargs": "+", "help": words}
    parser.add_argument("--prompts", "--split", **given)
    parser.add_argument("--snapshots", type=int, help="addition: seed whose snapshots are kept")
    parser.add_argument("--output", required=True, type=Path, help="folder of the tables")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    arguments = parser.parse_args()
    try:
        device, task = choose_device(arguments.device), Run(arguments.run).settings["task"]
        own = import_module(FOLLOWING[task])
        tables = own.follow(arguments.run, arguments.data, device)
        write_tables(tables, arguments.output)
        if arguments.snapshots is not None:
            own.keep_snapshots(arguments.run, tables, arguments.snapshots, arguments.output)
    except (CheckpointError, ConfigError, OSError, ValueError) as error:
        sys.exit(f"follow.py: {error}")


if __name__ == "__main__":
    main()
