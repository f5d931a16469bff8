"""The steps that ``scripts/benchmark.py`` times: a training step in several variants.

A step is a function without arguments that returns the losses of its replicas.
"""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from mechanics.addition.pairs import training_mask
from mechanics.addition.task import Task as ModularAddition
from mechanics.models.lens import to_lens
from mechanics.regression.task import Task as LinearRegression
from mechanics.training import loop
from mechanics.training.checkpoint import write_tensors
from mechanics.training.course import first_weights, matrix_norms

Step = Callable[[], Tensor | None]  # losses of the replicas; None of ``products_alone``


def addition_variants(settings: dict) -> dict[str, Step]:
    """One step of the same network from the same weights, on all training pairs of seed 0."""
    settings = settings | {"mlp_dtype": "float32", "pairs_per_step": None}
    settings |= {"schedule": "constant", "warmup_steps": 0}
    rounded = settings | {"mlp_dtype": "bfloat16"}

    def ours(own: dict, by_tables: bool = True) -> Step:
        return stack_of(own, 1, torch.device("cpu"), by_tables)

    return {
        "table_rows": ours(settings),
        "products": products_alone(ours(settings)),
        "bfloat16": ours(rounded),
        "bfloat16_products": products_alone(ours(rounded)),
        "collapsed": ours(settings, by_tables=False),
        "transformer_lens": _by_default(_lens_step(settings)),
        "transformer_lens_onednn": _lens_step(settings),
    }


def stack_of(
    settings: dict, n_seeds: int, device: torch.device, by_tables: bool | None = None
) -> Step:
    """One step of a stack of seeds of either task, the very one of ``training/loop.py``.

    Addition: each on training pairs of its own; ``by_tables``: whether by table rows, if that is
    not for the task to choose. Regression: with the prompts of the middle of its training, for
    their lengths grow.
    """
    seeds, first = list(range(n_seeds)), 0
    if settings["task"] == "modular_addition":
        objective = ModularAddition(settings, [], device)
        objective.training_rows = {
            seed: _training_rows(settings, seed).to(device) for seed in seeds
        }
        if by_tables is not None:
            objective.by_tables = by_tables
    else:
        first = settings["steps"] // 2
        with tempfile.TemporaryDirectory() as folder:
            nothing = Path(folder, "evaluation")
            write_tensors(nothing, {})
            objective = LinearRegression(settings | {"measured_at": []}, [nothing], device)
    weights = first_weights(objective, seeds).to(device)
    optimiser = loop._optimiser(settings, objective, weights)
    if settings.get("norm") == "held":
        optimiser.matrix_norms = matrix_norms(weights, objective)
    replicas = [loop.Replica(seed) for seed in seeds]
    training = loop.Training(optimiser, replicas, step=first, flops_per_step=0)
    return partial(loop._step, training, objective, settings, loop._leaves(training, objective))


def _training_rows(settings: dict, seed: int) -> Tensor:
    return training_mask(settings["p"], settings["train_fraction"], seed).nonzero()[:, 0]


def _lens_step(settings: dict) -> Step:
    """A step of the native model as its users write it; the loss is in float64 as ours is."""
    objective = ModularAddition(settings, [], torch.device("cpu"))
    weights = {name: tensor[None] for name, tensor in objective.initial(0).items()}
    model, rows = to_lens(weights, objective.architecture), _training_rows(settings, 0)
    tokens = torch.nn.functional.pad(objective.pairs[rows], (0, 1), value=settings["p"])
    correct = objective.targets[rows]
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    rate, betas = settings["learning_rate"], tuple(settings["betas"])
    optimiser = torch.optim.AdamW(trained, rate, betas, weight_decay=settings["weight_decay"])

    def step():
        optimiser.zero_grad()
        logits = model(tokens)[:, -1]
        loss = torch.nn.functional.cross_entropy(logits.double(), correct)
        loss.backward()
        optimiser.step()
        return loss.detach()[None]

    return step


def _by_default(step: Step) -> Step:
    """The step with PyTorch's own choice of matrix products, without ``choose_device``'s."""

    def as_installed():
        matmul = torch.backends.mkldnn.matmul
        chosen, matmul.fp32_precision = matmul.fp32_precision, "none"
        try:
            return step()
        finally:
            matmul.fp32_precision = chosen

    return as_installed


def products_alone(step: Step) -> Step:
    """The matrix products of a step, forward and backward, on the very tensors of the step."""
    calls = []

    class Recorder(TorchDispatchMode):
        def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
            if operation.overloadpacket in flop_registry:
                calls.append((operation, args, kwargs or {}))
            return operation(*args, **(kwargs or {}))

    with Recorder():
        step()

    @torch.no_grad()
    def again():
        for operation, args, kwargs in calls:
            operation(*args, **kwargs)

    return again
