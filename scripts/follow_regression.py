"""Follow one regression run through its checkpoints: which algorithm is it like, and when?

Writes ``effective_weights.parquet`` and ``algorithms.parquet``.
"""

import argparse
import sys
from pathlib import Path

from mechanics.models.weights import network_at
from mechanics.regression.following import follow_algorithms
from mechanics.regression.held_out import expect_regression, read_held_out
from mechanics.runtime.device import choose_device
from mechanics.settings import ConfigError
from mechanics.tables.frames import write_tables
from mechanics.training.checkpoint import CheckpointError, Run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, type=Path, help="folder of the run")
    parser.add_argument("--prompts", required=True, type=Path, help="the held-out prompts")
    parser.add_argument("--output", required=True, type=Path, help="folder of the tables")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    arguments = parser.parse_args()
    try:
        run, device = Run(arguments.run), choose_device(arguments.device)
        held_out = read_held_out(arguments.prompts, device, run.settings)
        for seed in run.seeds:
            expect_regression(network_at(run, seed, run.steps(seed)[-1]), held_out, arguments.run)
        write_tables(follow_algorithms(run, held_out), arguments.output)
    except (CheckpointError, ConfigError, OSError, ValueError) as error:
        sys.exit(f"follow_regression.py: {error}")


if __name__ == "__main__":
    main()
