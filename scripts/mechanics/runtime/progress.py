"""How far a training is: a live bar in a terminal, readable lines in a log."""

import time

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress

from mechanics.training.loop import Training
from mechanics.training.objective import Objective

LOG_SECONDS = 20.0


class Progress:
    """Called with the training after every measurement.

    The remaining time is that to the last step: a stop rule may end a run earlier.
    """

    def __init__(self, title: str, n_steps: int, objective: Objective) -> None:
        self.title, self.n_steps, self.objective = title, n_steps, objective
        self.started, self.logged, self.first_step = time.monotonic(), 0.0, None
        self.step = 0  # the last measured one
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        columns += (TimeElapsedColumn(), TextColumn("ETA"), TimeRemainingColumn())
        console = Console(stderr=True)
        self.bar = RichProgress(*columns, console=console) if console.is_terminal else None

    def __enter__(self) -> "Progress":
        if self.bar:
            self.bar.start()
            self.row = self.bar.add_task(self.title, total=self.n_steps)
        return self

    def __exit__(self, *error) -> None:
        if self.bar:
            self.bar.stop()

    def __call__(self, training: Training) -> None:
        state, self.step = self.describe(training), training.step
        now, first = time.monotonic(), self.first_step is None
        if first:  # steps done before a resumption say nothing of today's speed
            self.first_step, self.started = training.step, now
        if self.bar:
            if first:
                self.bar.reset(self.row, completed=training.step)
            self.bar.update(self.row, completed=training.step, description=state)
            return
        if now - self.logged < LOG_SECONDS and training.active:
            return
        self.logged = now
        done = training.step - self.first_step
        line = f"step {training.step}/{self.n_steps}  {state}"
        if done:
            left = (self.n_steps - training.step) * (now - self.started) / done / 60
            line += f"  ETA {left:.1f} min"
        print(line, flush=True)

    def describe(self, training: Training) -> str:
        """Median of the replicas' progress numbers."""
        latest = [row for row in training.history if row["step"] == training.step]
        values = []
        for seed in sorted({row["seed"] for row in latest}):
            values.append(self.objective.progress([r for r in latest if r["seed"] == seed]))
        median = sorted(values)[len(values) // 2]
        name = "mean risk" if "risk" in latest[0] else "validation accuracy"
        return f"{self.title}: {name} {median:.4f}"
