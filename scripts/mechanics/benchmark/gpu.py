"""What all trainings of a study would take on one GPU: their steps, and a step measured there."""

import json
import math
from pathlib import Path
from time import perf_counter

import torch

from mechanics.benchmark.steps import STACKED_STEPS, Step
from mechanics.benchmark.turns import Row
from mechanics.runtime.device import device_name
from mechanics.study.verification import read_provenance

STACK = 64  # replicas at once, as config/sweep.yaml has it for a GPU
QUANTITY = "forecast_on_one_gpu"


def gpu_row(
    study: Path, device: torch.device, stack: int = STACK, repeats: int = 20, warm_up: int = 30
) -> Row:
    """Minutes of all trainings, one stack after another; of a CPU the row says that it is none.

    The seeds of a model are trained ``stack`` at a time, each stack for as long as its longest
    seed was; a stack that is not full is reckoned as a full one.
    """
    if device.type != "cuda":
        return QUANTITY, math.nan, "min", "no GPU here: not forecast"
    return forecast(trained_models(study), device, stack, repeats, warm_up)


def trained_models(study: Path) -> dict[str, dict]:
    """Of each model of a finished study its ``settings``, ``n_seeds`` and ``steps``."""
    found: dict[str, dict] = {}
    for path in read_provenance(study)["artefacts"]:
        if not (path.startswith("runs/") and path.endswith("/run.json")):
            continue
        record = json.loads((study / path).read_text())
        name = "/".join(Path(path).parts[1:3])
        own = found.setdefault(name, {"settings": record["settings"], "n_seeds": 0, "steps": 0})
        own["n_seeds"] += len(record["replicas"])
        own["steps"] = max([own["steps"], *(r["last_step"] for r in record["replicas"])])
    return found


def forecast(
    models: dict[str, dict], device: torch.device, stack: int, repeats: int, warm_up: int
) -> Row:
    """The row, from a step of every model measured on ``device``."""
    seconds, name = {}, ""
    try:
        for name, model in models.items():
            settings = model["settings"]
            step = STACKED_STEPS[settings["task"]](settings, stack, device)
            n_stacks = math.ceil(model["n_seeds"] / stack)
            each = seconds_per_step(step, device, repeats, warm_up)
            seconds[name] = n_stacks * model["steps"] * each
    except torch.OutOfMemoryError:
        note = f"not forecast: a stack of {stack} of {name} does not fit in the GPU's memory"
        return QUANTITY, math.nan, "min", note
    total, longest = sum(seconds.values()), max(seconds, key=seconds.get)
    note = f"{device_name(device)}: trainings alone, steps × time of a step of {stack} seeds;"
    note += f" longest {longest}, {seconds[longest] / total:.0%}"
    return QUANTITY, total / 60, "min", note


def seconds_per_step(step: Step, device: torch.device, repeats: int, warm_up: int) -> float:
    """Of steps that follow each other as in a training, where the GPU may lag behind."""
    for _ in range(warm_up):
        step()
    _wait(device)
    started = perf_counter()
    for _ in range(repeats):
        step()
    _wait(device)
    return (perf_counter() - started) / repeats


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
