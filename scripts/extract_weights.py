"""Take the final weights of one seed out of the checkpoints of its run.

They are what is published of a run, and all that the notebook needs of it. No torch is needed here.
"""

import argparse
import json
import sys
from pathlib import Path

from safetensors import safe_open
from safetensors.numpy import save_file

from mechanics.runtime.files import atomic, sha256


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", required=True, type=Path, help="its folder, …/{task}/{model}/…")
    parser.add_argument("--seed", required=True, type=int)
    parser.add_argument("--output", required=True, type=Path, help="safetensors")
    arguments = parser.parse_args()
    try:
        extract(arguments.run, arguments.seed, arguments.output)
    except (OSError, ValueError) as error:
        sys.exit(f"extract_weights.py: {error}")


def extract(run: Path, seed: int, output: Path) -> None:
    """Raises ValueError if the checkpoints are not those that the run wrote, or lack the seed."""
    record = json.loads((run / "run.json").read_text())
    path = run / "checkpoints.safetensors"
    if sha256(path) != record["checkpoints_sha256"]:
        raise ValueError(f"{path}: truncated or corrupted: its hash is not the one in run.json")
    with safe_open(path, "np") as file:
        keys = [key for key in file.keys() if key.startswith(f"seed{seed}/")]  # noqa: SIM118
        if not keys:
            raise ValueError(f"{path}: no checkpoint of seed {seed}")
        last = max(key.split("/")[1] for key in keys)  # steps are written with leading zeros
        final = [key for key in keys if key.split("/")[1] == last]
        weights = {key.split("/", 2)[2]: file.get_tensor(key) for key in final}
    about = {"task": run.parts[-3], "model": run.parts[-2], "seed": seed}
    about |= {"step": int(last.removeprefix("step")), "settings": record["settings"]}
    with atomic(output) as part:
        save_file(weights, part, {"json": json.dumps(about)})


if __name__ == "__main__":
    main()
