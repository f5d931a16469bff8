"""The steps that ``scripts/benchmark.py`` times: a training step in several variants.

A step is a function without arguments that returns the losses of its replicas.
"""

import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from mechanics.addition.pairs import mean_cross_entropy, training_mask
from mechanics.addition.task import Task as ModularAddition
from mechanics.models import addition, table_rows
from mechanics.models.lens import to_lens
from mechanics.regression.task import Task as LinearRegression
from mechanics.training.checkpoint import write_tensors
from mechanics.training.objective import Objective
from mechanics.training.optimiser import AdamW, flatten, unflatten

Step = Callable[[], Tensor | None]  # losses of the replicas; None of ``products_alone``


def stacked_step(parameters: dict[str, Tensor], settings: dict, losses: Callable) -> Step:
    """A step as ``training/loop.py`` takes it. ``losses``: of the parameters, one a replica."""
    shapes = {name: tensor.shape[1:] for name, tensor in parameters.items()}
    decay, clip = settings["weight_decay"], settings["gradient_clip"]
    optimiser = AdamW(flatten(parameters), decay, tuple(settings["betas"]), clip)
    views = unflatten(optimiser.weights, shapes)
    leaves = {name: view.detach().requires_grad_() for name, view in views.items()}

    def step():
        loss = losses(leaves)
        gradients = torch.autograd.grad(loss.sum(), list(leaves.values()))
        gradient = torch.cat([tensor.flatten(1) for tensor in gradients], dim=1)
        optimiser.update(gradient, settings["learning_rate"])
        return loss.detach()

    return step


def addition_variants(settings: dict) -> dict[str, Step]:
    """One step of the same network from the same weights, on all training pairs of seed 0."""
    objective = ModularAddition(settings, [], torch.device("cpu"))
    mask = training_mask(settings["p"], settings["train_fraction"], 0)
    pairs, correct = objective.pairs[mask][None], objective.targets[mask][None]
    network = objective.architecture
    parameters = _stacked(objective, [0], torch.device("cpu"))

    def ours(logits_at_equals, mlp_dtype="float32"):
        own = ModularAddition(settings | {"mlp_dtype": mlp_dtype}, [], torch.device("cpu"))

        def losses(leaves):
            logits = logits_at_equals(leaves, pairs, own.trained_as)
            return mean_cross_entropy(logits, correct)

        return stacked_step(parameters, settings, losses)

    def native():
        return _lens_step(to_lens(parameters, network), settings, pairs, correct)

    index = table_rows.PairRows(pairs, settings["p"], network.n_heads)

    def by_tables(leaves, _, architecture):
        return table_rows.forward(leaves, index, architecture)

    return {
        "table_rows": ours(by_tables),
        "products": products_alone(ours(by_tables)),
        "bfloat16": ours(by_tables, "bfloat16"),
        "bfloat16_products": products_alone(ours(by_tables, "bfloat16")),
        "collapsed": ours(addition.forward),
        "transformer_lens": _by_default(native()),
        "transformer_lens_onednn": native(),
    }


def stack_of(settings: dict, n_seeds: int, device: torch.device) -> Step:
    """One step of a stack of seeds of either task, by its ``Objective.losses``.

    Addition: each on training pairs of its own. Regression: with the prompts of the middle of its
    training, for their lengths grow.
    """
    seeds, first = list(range(n_seeds)), 0
    if settings["task"] == "modular_addition":
        objective = ModularAddition(settings, [], device)
        for seed in seeds:
            mask = training_mask(settings["p"], settings["train_fraction"], seed)
            objective.training_rows[seed] = mask.nonzero()[:, 0].to(device)
    else:
        first = settings["steps"] // 2
        with tempfile.TemporaryDirectory() as folder:
            nothing = Path(folder, "evaluation")
            write_tensors(nothing, {})
            objective = LinearRegression(settings | {"measured_at": []}, [nothing], device)
    steps = itertools.count(first)
    return stacked_step(
        _stacked(objective, seeds, device),
        settings,
        lambda leaves: objective.losses(leaves, seeds, next(steps)),
    )


def _stacked(objective: Objective, seeds: list[int], device: torch.device) -> dict[str, Tensor]:
    own = [objective.initial(seed) for seed in seeds]
    return {name: torch.stack([o[name] for o in own]).to(device) for name in objective.shapes}


def _lens_step(model, settings: dict, pairs: Tensor, correct: Tensor) -> Step:
    """A step of the native model as its users write it; the loss is in float64 as ours is."""
    tokens = torch.nn.functional.pad(pairs[0], (0, 1), value=settings["p"])
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    rate, betas = settings["learning_rate"], tuple(settings["betas"])
    optimiser = torch.optim.AdamW(trained, rate, betas, weight_decay=settings["weight_decay"])

    def step():
        optimiser.zero_grad()
        logits = model(tokens)[:, -1]
        loss = torch.nn.functional.cross_entropy(logits.double(), correct[0])
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
