"""Train one stack of replicas: checkpoints, history, final weights and the record of the run.

By hand, with the progress bar:
    python scripts/train.py --settings results/full/runs/modular_addition/softmax_L1/0/run.json \\
        --seeds 0 --data results/full/data/modular_addition/split_seed0.parquet --output /tmp/again
"""

import argparse
import hashlib
import json
import shutil
import sys
from pathlib import Path

import pandas as pd
import torch

from mechanics.models.weights import Network, write_network
from mechanics.runtime.device import choose_device, device_name
from mechanics.runtime.files import atomic, sha256
from mechanics.runtime.progress import Progress
from mechanics.settings import ConfigError, as_argument, read_settings
from mechanics.study.lineage import closure, code_sha256, git_commit
from mechanics.training.checkpoint import (
    CheckpointError,
    alone,
    checkpoint_key,
    read_tensors,
    weights_sha256,
    write_tensors,
)
from mechanics.training.loop import STATE_FILE, collect_checkpoints, train
from mechanics.training.objective import objective, task_file


def main() -> None:
    arguments = parse_arguments()
    try:
        run(arguments)
    except (CheckpointError, ConfigError, ValueError) as error:
        sys.exit(f"train.py: {error}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--settings", required=True, help="JSON, or a file (run.json will do)")
    parser.add_argument("--seeds", required=True, type=int, nargs="+")
    parser.add_argument("--data", required=True, type=Path, nargs="+", help="from the data stage")
    parser.add_argument("--output", required=True, type=Path, help="folder of the run")
    words = "files of the final weights, …/{model}/seed{n}.safetensors, in the order of the seeds"
    parser.add_argument("--weights", default=[], type=Path, nargs="*", help=words)
    parser.add_argument("--state", type=Path, help="folder of the resume state")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--save-seconds", type=float, default=30.0, help="between saved states")
    return parser.parse_args()


def run(arguments: argparse.Namespace) -> None:
    settings, seeds = read_settings(arguments.settings), arguments.seeds
    if arguments.weights and len(arguments.weights) != len(seeds):
        raise ValueError(
            f"--weights: {len(arguments.weights)} files for {len(seeds)} seeds; expected one a seed"
        )
    sources = (Path(__file__), task_file(settings["task"]))
    code = code_sha256(closure(*sources))
    device = choose_device(arguments.device, arguments.threads)
    key = as_argument([settings, seeds, code, torch.__version__, device.type])
    key = hashlib.sha256(key.encode()).hexdigest()[:16]
    record_path = arguments.output / "run.json"
    if record_path.exists():
        raise ValueError(f"{record_path} is there already: remove its folder to train again")
    state_folder = (arguments.state or arguments.output / ".state") / key
    commit = git_commit()
    task = objective(settings, arguments.data, device)
    title = f"seed {seeds[0]}" if len(seeds) == 1 else f"{len(seeds)} seeds"
    with alone(state_folder), Progress(title, settings["steps"], task) as progress:
        try:
            training = train(
                task, settings, seeds, device, state_folder, progress, arguments.save_seconds
            )
        except KeyboardInterrupt:
            raise SystemExit(stopped(progress.step, state_folder)) from None
    if code_sha256(closure(*sources)) != code:
        raise ValueError(
            "the code changed while it trained: nothing was written, since it would pass for the"
            f" new code's; the state of the old code is kept in {state_folder}"
        )
    checkpoints = collect_checkpoints(state_folder)
    write_tensors(arguments.output / "checkpoints.safetensors", checkpoints)
    with atomic(arguments.output / "history.parquet") as part:
        pd.DataFrame(training.history).to_parquet(part, index=False)
    for path, replica in zip(arguments.weights, training.replicas, strict=False):
        write_network(path, final_network(path.parent.name, settings, replica, checkpoints))
    record = {
        "settings": settings,
        "seeds": seeds,
        "replicas": [describe(replica, checkpoints, training) for replica in training.replicas],
        "device": device_name(device),
        "threads": arguments.threads,
        "seconds": round(training.seconds, 1),
        "torch": torch.__version__,
        "python": sys.version.split()[0],
        "git_commit": commit,
        "code_sha256": code,
        "checkpoints_sha256": sha256(arguments.output / "checkpoints.safetensors"),
    }
    with atomic(record_path) as part:
        part.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    done = state_folder.with_name(f".{key}.done")  # renamed first: a kill while it is removed
    state_folder.rename(done)  # must not leave half a state to resume from
    shutil.rmtree(done)


def stopped(step: int, state_folder: Path) -> str:
    """What Ctrl-C leaves: the last measured step, and the step from which a training goes on."""
    saved = state_folder / STATE_FILE
    start = read_tensors(saved)[1]["step"] if saved.exists() else 0
    return f"train.py: stopped after step {step}; the same command goes on" + (
        f" from step {start}, which was saved in {state_folder}" if start else " from step 0"
    )


def last_saved(checkpoints: dict, seed: int) -> tuple[int, dict]:
    """The step of a seed's last checkpoint, and its weights."""
    prefix = checkpoint_key(seed, 0).split("/")[0] + "/"
    # steps are written with leading zeros
    last = max(key.rsplit("/", 1)[0] for key in checkpoints if key.startswith(prefix))
    own = {key.rsplit("/", 1)[1]: t for key, t in checkpoints.items() if key.startswith(f"{last}/")}
    return int(last.split("/")[1].removeprefix("step")), own


def final_network(model: str, settings: dict, replica, checkpoints: dict) -> Network:
    """What is kept of one seed for all that needs no more than its final weights."""
    step, weights = last_saved(checkpoints, replica.seed)
    stacked = {name: tensor[None] for name, tensor in weights.items()}
    task, seed, status = settings["task"], replica.seed, replica.status
    return Network(task, model, seed, step, status, settings, stacked)


def describe(replica, checkpoints, training) -> dict:
    """Status of one seed, the hash of its last saved weights, and what its training cost."""
    last = [tensor.flatten() for tensor in last_saved(checkpoints, replica.seed)[1].values()]
    return {
        "seed": replica.seed,
        "status": replica.status,
        "last_step": replica.last_step,
        **({"stalled_step": replica.moved_step} if replica.status == "stalled" else {}),
        "train_flops": training.flops_per_step * replica.last_step,
        "weights_sha256": weights_sha256(torch.cat(last)),
    }


if __name__ == "__main__":
    main()
