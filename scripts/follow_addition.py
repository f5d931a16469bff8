"""Follow one addition run through its checkpoints: a parquet file for each table.

``progress``, ``spectra`` and ``excluded`` are the progress measures, ``embedding_planes`` and
``embedding_trace`` the circles of the embedding. Key frequencies are those of the last checkpoint.
``snapshots.safetensors``, for the page, has some of its checkpoints if asked for.
"""

import argparse
import sys
from pathlib import Path

from mechanics.addition.as_addition import RunAsAddition
from mechanics.addition.embedding_trace import trace
from mechanics.addition.measures import SNAPSHOTS
from mechanics.addition.progress import final_keys, follow_progress
from mechanics.addition.snapshots import telling_steps, write_snapshots
from mechanics.addition.splits import expect_addition, read_splits
from mechanics.runtime.device import choose_device
from mechanics.settings import ConfigError
from mechanics.tables.frames import write_tables
from mechanics.training.checkpoint import CheckpointError


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, type=Path, help="folder of the run")
    parser.add_argument("--split", required=True, type=Path, nargs="+", help="parquet, per seed")
    parser.add_argument("--snapshots", type=int, help="seed whose snapshots are kept")
    parser.add_argument("--output", required=True, type=Path, help="folder of the tables")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    arguments = parser.parse_args()
    try:
        device = choose_device(arguments.device)
        run = RunAsAddition(arguments.run)
        expect_addition(run.settings, arguments.run)
        splits = read_splits(arguments.split, run.seeds, run.settings["p"])
        keys = {seed: final_keys(run, seed, device) for seed in run.seeds}
        followed = follow_progress(run, splits, keys, device)
        write_tables(followed | trace(run, keys), arguments.output)
        if arguments.snapshots is not None:
            progress, seed = followed["progress"], arguments.snapshots
            steps = telling_steps(progress[progress["seed"] == seed])
            write_snapshots(arguments.output / SNAPSHOTS, run, seed, steps)
    except (CheckpointError, ConfigError, OSError, ValueError) as error:
        sys.exit(f"follow_addition.py: {error}")


if __name__ == "__main__":
    main()
