"""What the training loop asks of a task: first weights, losses of a step, and measurements.

``objective`` opens a task by its name, so that a program imports only the task that it trains.
``settings`` is the slice of the config that one training depends on.
"""

from importlib import import_module
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

Parameters = dict[str, Tensor]
TASKS = {  # the room of each task; its task.py has a class Task
    "linear_regression": "mechanics.regression.task",
    "modular_addition": "mechanics.addition.task",
}


@runtime_checkable
class Objective(Protocol):
    """One task, one network. Replicas are named by their seeds, in the order of the stack."""

    shapes: dict[str, tuple[int, ...]]

    def initial(self, seed: int) -> Parameters: ...

    def losses(
        self, parameters: Parameters, seeds: list[int], step: int
    ) -> Float[Tensor, "seed"]: ...

    def measure(self, parameters: Parameters, seeds: list[int]) -> list[dict]:
        """Rows for the history: each names its ``seed`` and what was measured."""
        ...

    def progress(self, rows: list[dict]) -> float:
        """One number for one replica, from its rows, that says how far it has learned."""
        ...

    def memorised(self, rows: list[dict]) -> bool:
        """Whether one replica, by its rows, has the finite data that it is trained on by heart."""
        ...

    def finished(self, history: list[dict]) -> bool:
        """Whether one replica, by its history so far, may stop before the last step."""
        ...


def task_file(task: str) -> Path:
    """The module that ``objective`` imports for a task."""
    return Path(__file__).parents[2] / (TASKS[task].replace(".", "/") + ".py")


def objective(settings: dict, data: list[Path], device: torch.device) -> Objective:
    """The objective of ``settings["task"]``, on the files that the data stage made for it."""
    return import_module(TASKS[settings["task"]]).Task(settings, data, device)
