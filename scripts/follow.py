"""Follow one run through its checkpoints: a parquet file for each table.

Of regression ``effective_weights``, of addition the measures of ``progress``, whose key frequencies
are those of the last checkpoint. If asked for, also what the page shows of one addition network:
``spectra``, the circles of its embedding (``embedding_planes``), and some of its checkpoints
(``snapshots.safetensors``).
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path

from mechanics.runtime.device import choose_device
from mechanics.settings import ConfigError
from mechanics.tables.contents import ROOMS, measures
from mechanics.tables.frames import write_tables
from mechanics.training.checkpoint import CheckpointError, Run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, type=Path, help="folder of the run")
    words = "the held-out prompts of regression, or parquet with the split of each seed"
    given = {"dest": "data", "required": True, "type": Path, "nargs": "+", "help": words}
    parser.add_argument("--prompts", "--split", **given)
    parser.add_argument("--shown", type=int, help="addition: seed that the page shows")
    parser.add_argument("--output", required=True, type=Path, help="folder of the tables")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    arguments = parser.parse_args()
    try:
        device, task = choose_device(arguments.device), Run(arguments.run).settings["task"]
        if arguments.shown is not None and task != "modular_addition":
            raise ConfigError(
                f"--shown {arguments.shown}: task = {task}: expected modular_addition"
            )
        own = import_module(f"mechanics.{ROOMS[task]}.following")  # no room imports the other
        tables = own.follow(arguments.run, arguments.data, device)
        write_tables({name: tables[name] for name in measures(task).FOLLOWED}, arguments.output)
        if arguments.shown is not None:
            own.show(arguments.run, tables, arguments.shown, arguments.output)
    except (CheckpointError, ConfigError, OSError, ValueError) as error:
        sys.exit(f"follow.py: {error}")


if __name__ == "__main__":
    main()
