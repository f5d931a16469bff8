"""Follow the embedding of one addition run: the numbers in each key plane, at every checkpoint.

Key frequencies are those of the seed's last checkpoint. The plane is that of the checkpoint at
hand, the one spanned by W_Eᵀ cos ω_k and W_Eᵀ sin ω_k there: in the embedding of an untrained
network it already holds a faint and ragged circle, since it was chosen for that.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

from mechanics.addition.embedding import circle, key_plane, number_embeddings
from mechanics.runtime.files import atomic
from mechanics.settings import ConfigError
from mechanics.training.checkpoint import CheckpointError, Run

PLANES = ["seed", "step", "frequency", "number", "x", "y"]
CIRCLES = ["seed", "step", "frequency", "radius_cv", "eigenvalue_ratio", "angle_r_squared"]
CIRCLES += ["purity", "fve"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, type=Path, help="folder of the run")
    parser.add_argument(
        "--circuit", required=True, type=Path, help="parquet of measure_circuit: key_frequencies"
    )
    parser.add_argument(
        "--planes", required=True, type=Path, help=f"parquet out: {', '.join(PLANES)}"
    )
    parser.add_argument(
        "--circles", required=True, type=Path, help=f"parquet out: {', '.join(CIRCLES)}"
    )
    arguments = parser.parse_args()
    try:
        run = Run(arguments.run)
        if run.settings["task"] != "modular_addition":
            raise ConfigError(f"{arguments.run}: task = {run.settings['task']}: expected addition")
        planes, circles = trace(run, read_keys(arguments.circuit, run))
    except (CheckpointError, ConfigError, OSError) as error:
        sys.exit(f"trace_embedding.py: {error}")
    for path, frame in ((arguments.planes, planes), (arguments.circles, circles)):
        with atomic(path) as part:
            frame.to_parquet(part, index=False)


def read_keys(path: Path, run: Run) -> dict[int, list[int]]:
    """Key frequencies of every seed of the run. Raises ConfigError for a seed without a row."""
    listed = pd.read_parquet(path).set_index("seed")["key_frequencies"]
    missing = sorted(set(run.seeds) - set(listed.index))
    if missing:
        raise ConfigError(f"{path}: seed = {missing[0]}: expected a row for every seed of the run")
    return {seed: [int(k) for k in listed[seed].split()] for seed in run.seeds}


def trace(run: Run, keys: dict[int, list[int]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Coordinates [number] in each key plane at each checkpoint, and how circular they are.

    A checkpoint whose embedding is not finite is left out; a seed without keys has no rows.
    """
    planes, circles = [], []
    for seed in run.seeds:
        for step in run.steps(seed) if keys[seed] else []:
            W_E = run.load(seed, step)["embed.W_E"][0]
            if not W_E.isfinite().all():
                continue
            numbers = number_embeddings(W_E)
            for k in keys[seed]:
                found = circle(numbers, key_plane(numbers, k), k)
                at = {"seed": seed, "step": step, "frequency": k}
                x, y = found.coordinates.float().T.numpy()
                planes.append(pd.DataFrame({**at, "number": range(len(x)), "x": x, "y": y}))
                circles.append({**at, **vars(found)})
    coordinates = pd.concat(planes) if planes else pd.DataFrame(columns=PLANES, dtype=float)
    return coordinates, pd.DataFrame(circles, columns=CIRCLES)


if __name__ == "__main__":
    main()
