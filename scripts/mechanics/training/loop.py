"""One training loop for both tasks, over a stack of replicas that differ in their seed only.

A replica ends by itself: at the last step, by its task's stop rule, as ``diverged``, or as
``stalled``, when its weights no longer move though the learning rate is constant. The state is
saved every few seconds of work, so that a killed run continues and ends with the same weights to
the bit on the same machine.
"""

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from mechanics.training.checkpoint import checkpoint_key, read_tensors, write_tensors
from mechanics.training.course import (
    STILL,
    STILL_STEPS,
    change_course,
    first_weights,
    matrix_norms,
    updates_of,
)
from mechanics.training.muon import Muon
from mechanics.training.objective import Objective
from mechanics.training.optimiser import STATE, AdamW, unflatten
from mechanics.training.schedules import checkpoint_steps, learning_rate

DIVERGED_LOSS = 1e6  # a finite loss above this is a divergence too; both tasks start near 10
STATE_FILE = "state.safetensors"


@dataclass
class Replica:
    """What became of one seed: ``training``, ``finished`` (by itself or by the stop rule),
    ``diverged`` or ``stalled``; ``last_step`` is the last measured one, ``memorised_step`` the
    first at which the objective called the training data memorised, ``moved_step`` the last at
    which the weights had moved since the measurement before."""

    seed: int
    status: str = "training"
    last_step: int = 0
    progress_at_checkpoint: float = math.nan
    memorised_step: int | None = None
    moved_step: int = 0


@dataclass
class Training:
    """The whole state of a run between two steps."""

    optimiser: AdamW
    replicas: list[Replica]
    history: list[dict] = field(default_factory=list)
    step: int = 0
    flops_per_step: int | None = None
    seconds: float = 0.0

    @property
    def active(self) -> list[Replica]:
        return [replica for replica in self.replicas if replica.status == "training"]


def train(
    objective: Objective,
    settings: dict,
    seeds: list[int],
    device: torch.device,
    state_folder: Path,
    report: Callable[[Training], None] = lambda training: None,
    save_seconds: float = 30.0,
) -> Training:
    """Train the replicas ``seeds`` to their ends, from the saved state if there is one.

    Checkpoints are left in ``state_folder / "checkpoints"``, one file per step. ``report`` is
    called after every measurement. Raises CheckpointError for a saved state that cannot be read.
    """
    n_steps = settings["steps"]
    scheduled = set(_scheduled(settings))
    measured = scheduled | set(range(0, n_steps + 1, settings["measure_every"]))
    training = _resume(settings, objective, device, state_folder)
    if training is None:
        weights = first_weights(objective, seeds).to(device)
        optimiser = _optimiser(settings, objective, weights)
        if settings.get("norm") == "held":
            optimiser.matrix_norms = matrix_norms(weights, objective)
        training = Training(optimiser, [*map(Replica, seeds)])
        _measure(training, objective, settings, scheduled, None, state_folder)
    parameters = _leaves(training, objective)
    started, saved = time.monotonic() - training.seconds, time.monotonic()
    while training.active:
        losses = _step(training, objective, settings, parameters)
        if training.step not in measured:
            continue
        n_active = len(training.active)
        _measure(training, objective, settings, scheduled, losses, state_folder)
        training.seconds = time.monotonic() - started
        report(training)
        if len(training.active) < n_active:
            parameters = _leaves(training, objective)
        if time.monotonic() - saved > save_seconds:
            _save(training, state_folder)
            saved = time.monotonic()
    return training


def _scheduled(settings: dict) -> list[int]:
    """Steps with a checkpoint; without a schedule the first and the last."""
    n_steps, at = settings["steps"], settings["checkpoints_at"]
    return checkpoint_steps(n_steps, **at) if at else [0, n_steps]


def _optimiser(settings: dict, objective: Objective, weights, **state) -> AdamW:
    peak, kind, own = settings.get("muon_learning_rate"), AdamW, {}
    if peak is not None:
        kind, own = Muon, {"shapes": objective.shapes, "rate": peak / settings["learning_rate"]}
    return kind(
        weights,
        settings["weight_decay"],
        tuple(settings["betas"]),
        settings["gradient_clip"],
        tuple(torch.Size(shape).numel() for shape in objective.shapes.values()),
        settings.get("orthogonal_gradient", False),
        settings.get("epsilon", 1e-8),
        **own,
        **state,
    )


def _leaves(training: Training, objective: Objective) -> dict[str, torch.Tensor]:
    """Views of the flat weights that a loss can be differentiated by."""
    views = unflatten(training.optimiser.weights, objective.shapes)
    return {name: view.detach().requires_grad_() for name, view in views.items()}


def _step(training: Training, objective: Objective, settings: dict, parameters: dict):
    seeds = [replica.seed for replica in training.active]
    first, restart = training.flops_per_step is None, settings.get("restart_at") or 0
    if training.step and training.step == restart:
        training.optimiser.restart()
    with FlopCounterMode(display=False) if first else nullcontext() as counter:
        losses = objective.losses(parameters, seeds, training.step)
        total = losses
        if losses.dim() == 2:  # parts, each to weigh the same whatever its size
            total = losses * training.optimiser.relative(losses.detach())
            losses = losses.mean(dim=1)
        gradients = torch.autograd.grad(total.sum(), list(parameters.values()))
    if first:
        training.flops_per_step = counter.get_total_flops() // len(seeds)
    rate = learning_rate(
        training.step - (restart if training.step >= restart else 0),
        settings["steps"],
        settings["learning_rate"],
        settings["schedule"],
        settings["warmup_steps"],
    )
    gradient = torch.cat([tensor.flatten(1) for tensor in gradients], dim=1)
    training.optimiser.update(gradient, rate)
    training.step += 1
    return losses.detach()


def _measure(training, objective, settings, scheduled, losses, state_folder) -> None:
    """Append to the history, save checkpoints that are due, and end replicas that have ended."""
    step, active = training.step, training.active
    weights = training.optimiser.weights
    views = unflatten(weights, objective.shapes)
    sound = weights.isfinite().all(dim=1)
    if losses is not None:
        sound &= losses.isfinite() & (losses < DIVERGED_LOSS)
    rows = objective.measure(views, [replica.seed for replica in active])
    updates = updates_of(training.optimiser, step - active[0].last_step)
    updates = {own.seed: found for own, found in zip(active, updates, strict=True)}
    training.history += [{"step": step, **row, **updates[row["seed"]]} for row in rows]
    due = {}
    for row, replica in enumerate(active):
        replica.last_step = step
        if not sound[row]:
            replica.status = "diverged"
            continue
        own_rows = [r for r in rows if r["seed"] == replica.seed]
        own_history = [r for r in training.history if r["seed"] == replica.seed]
        progress = objective.progress(own_rows)
        if replica.memorised_step is None and objective.memorised(own_rows):
            replica.memorised_step = step
            arm = settings["after_memorising"]
            change_course(training.optimiser, row, arm, objective, replica.seed)
        moved = abs(progress - replica.progress_at_checkpoint) >= settings["checkpoint_on_change"]
        if updates[replica.seed].get("moved", 1.0) >= STILL:
            replica.moved_step = step
        if step == settings["steps"] or objective.finished(own_history):
            replica.status = "finished"
        elif settings["schedule"] == "constant" and step - replica.moved_step >= STILL_STEPS:
            replica.status = "stalled"
        moved &= settings["checkpoints_at"] is not None
        if step in scheduled or moved or replica.status != "training":
            replica.progress_at_checkpoint = progress
            due |= {checkpoint_key(replica.seed, step, n): v[row] for n, v in views.items()}
    if due:
        write_tensors(_checkpoint_path(state_folder, step), due)
    kept = [row for row, replica in enumerate(active) if replica.status == "training"]
    if len(kept) < len(active):
        training.optimiser.keep(kept)


def _save(training: Training, state_folder: Path) -> None:
    optimiser = training.optimiser
    tensors = {name: getattr(optimiser, name) for name in STATE}
    metadata = {
        "optimiser_step": optimiser.step,
        "replicas": [asdict(replica) for replica in training.replicas],
        **{
            name: getattr(training, name)
            for name in ("history", "step", "flops_per_step", "seconds")
        },
    }
    write_tensors(state_folder / STATE_FILE, tensors, metadata)


def _resume(settings, objective, device, state_folder) -> Training | None:
    path = state_folder / STATE_FILE
    if not path.exists():
        _drop_checkpoints_after(-1, state_folder)
        return None
    tensors, saved = read_tensors(path, str(device))
    # copied: from a file they come at odd addresses, where vectorised sums round otherwise
    tensors = {name: tensor.clone() for name, tensor in tensors.items()}
    optimiser = _optimiser(settings, objective, step=saved.pop("optimiser_step"), **tensors)
    replicas = [Replica(**replica) for replica in saved.pop("replicas")]
    _drop_checkpoints_after(saved["step"], state_folder)
    training = Training(optimiser, replicas, **saved)
    for step in _scheduled(settings):
        if step <= min(training.step, max(replica.last_step for replica in replicas)):
            read_tensors(_checkpoint_path(state_folder, step))  # raises for one missing or damaged
    return training


def _checkpoint_path(state_folder: Path, step: int) -> Path:
    return state_folder / "checkpoints" / f"step{step:07d}.safetensors"


def _drop_checkpoints_after(step: int, state_folder: Path) -> None:
    """Remove what a killed run wrote after its last saved state: it will be written again."""
    for path in (state_folder / "checkpoints").glob("step*.safetensors"):
        if int(path.stem.removeprefix("step")) > step:
            path.unlink()


def collect_checkpoints(state_folder: Path) -> dict[str, torch.Tensor]:
    """All checkpoints of a run in one dict. Raises CheckpointError for one that is damaged."""
    tensors: dict[str, torch.Tensor] = {}
    for path in sorted((state_folder / "checkpoints").glob("step*.safetensors")):
        tensors |= read_tensors(path)[0]
    return tensors
