"""Time one training step in several variants, in turns in one process, and say what bounds it.

The addition network: our step (collapsed forward pass, stacked AdamW) against the same network in
TransformerLens, against our plain full-sequence form, and against the floor, which is the time of
the step's matrix products alone. The regression network: ten stacked seeds against one, in parts.
"""

import argparse
import itertools
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from mechanics import config as study
from mechanics.device import choose_device
from mechanics.files import atomic
from mechanics.models import addition, regression
from mechanics.models.lens import to_lens
from mechanics.settings import ConfigError, as_argument, read_settings
from mechanics.tasks.linear_regression import squared_errors, stack_prompts
from mechanics.tasks.modular_addition import cross_entropy, training_mask
from mechanics.training.checkpoint import write_tensors
from mechanics.training.objectives import LinearRegression, ModularAddition
from mechanics.training.optimiser import AdamW, flatten, unflatten

STACKS = {"one_seed": 1, "ten_seeds": 10}
PARTS = {
    "sampling": "data sampling, a stream of its own for every seed",
    "forward_backward": "losses and gradients of all seeds at once",
    "optimiser": "AdamW on all seeds at once",
}

Row = tuple[str, float, str, str]  # quantity, value, unit, note
Step = Callable[[], tuple[torch.Tensor | None, dict[str, float]]]  # losses, seconds by part


def main() -> None:
    arguments = parse_arguments()
    try:
        rows = run(arguments)
    except (ConfigError, ValueError) as error:
        sys.exit(f"benchmark.py: {error}")
    columns = ("quantity", "value", "unit", "note")
    with atomic(arguments.output) as part:
        pd.DataFrame(rows, columns=columns).to_csv(part, index=False)
    shown = Table(*columns, title="Training steps, timed in turns")
    for quantity, value, unit, note in rows:
        shown.add_row(quantity, f"{value:.3g}", unit, note)
    Console().print(shown)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    config = study.load([str(Path(__file__).parents[1] / "config" / "config.yaml")])
    for task, model in (("modular_addition", "softmax_L1"), ("linear_regression", "linear_L1")):
        default = as_argument(study.training_settings(config, task, model))
        words = f"settings, JSON or a file; default: {model} of config/config.yaml"
        parser.add_argument(f"--{task.split('_')[1]}", default=default, help=words)
    parser.add_argument("--output", required=True, type=Path, help="CSV, one row per quantity")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="few repeats: does it work?")
    return parser.parse_args()


def run(arguments: argparse.Namespace) -> list[Row]:
    choose_device("cpu", arguments.threads)
    versions = f"torch {torch.__version__}, TransformerLens {version('transformer-lens')}"
    rows: list[Row] = [("threads", arguments.threads, "threads", f"CPU, {versions}")]
    steps = addition_steps(read_settings(arguments.addition))
    with FlopCounterMode(display=False) as counter:
        steps["products"]()
    rows += addition_rows(measure(steps, 3 if arguments.quick else 40), counter.get_total_flops())
    settings = read_settings(arguments.regression)
    stacks = {name: regression_step(settings, n_seeds) for name, n_seeds in STACKS.items()}
    return rows + regression_rows(measure(stacks, 3 if arguments.quick else 400))


def measure(steps: dict[str, Step], repeats: int) -> dict[str, pd.DataFrame]:
    """Milliseconds of every step: a row per repeat, a column per part; the steps take turns.

    In its turn each step runs twice and the second is kept: it finds its own data in the caches,
    as in a training. One round goes before, for what is set up at first use.
    """
    times: dict[str, list[dict]] = {name: [] for name in steps}
    for _ in track(range(repeats + 1), f"Timing {', '.join(steps)}"):
        for name, step in steps.items():
            step()
            times[name].append(step()[1])
    return {name: 1e3 * pd.DataFrame(seconds[1:]) for name, seconds in times.items()}


def addition_steps(settings: dict) -> dict[str, Step]:
    """One step of the same network from the same weights, on all training pairs of seed 0."""
    objective = ModularAddition(settings, [], torch.device("cpu"))
    mask = training_mask(settings["p"], settings["train_fraction"], 0)
    pairs, correct = objective.pairs[mask][None], objective.targets[mask][None]
    network = objective.architecture
    parameters = {name: tensor[None] for name, tensor in objective.initial(0).items()}

    def ours(logits_at_equals):
        def losses(leaves, _):
            logits = logits_at_equals(leaves, pairs, network)
            return cross_entropy(logits, correct).mean(dim=-1)

        return stacked_step(parameters, settings, losses)

    def native():
        return lens_step(to_lens(parameters, network), settings, pairs, correct)

    return {
        "collapsed": ours(addition.forward),
        "products": products_alone(ours(addition.forward)),
        "full_sequence": ours(lambda *args: addition.forward_full_sequence(*args)[:, :, -1]),
        "transformer_lens": by_default(native()),
        "transformer_lens_onednn": native(),
    }


def stacked_step(parameters: dict, settings: dict, losses: Callable, sample=lambda: None) -> Step:
    """A step as ``training/loop.py`` takes it, with a clock between its parts."""
    shapes = {name: tensor.shape[1:] for name, tensor in parameters.items()}
    decay, clip = settings["weight_decay"], settings["gradient_clip"]
    optimiser = AdamW(flatten(parameters), decay, tuple(settings["betas"]), clip)
    views = unflatten(optimiser.weights, shapes)
    leaves = {name: view.detach().requires_grad_() for name, view in views.items()}

    def step():
        clock = [perf_counter()]
        batch = sample()
        clock.append(perf_counter())
        loss = losses(leaves, batch)
        gradients = torch.autograd.grad(loss.sum(), list(leaves.values()))
        clock.append(perf_counter())
        gradient = torch.cat([tensor.flatten(1) for tensor in gradients], dim=1)
        optimiser.update(gradient, settings["learning_rate"])
        clock.append(perf_counter())
        parts = dict(zip(PARTS, np.diff(clock), strict=True))
        return loss.detach(), {"step": clock[-1] - clock[0], **parts}

    return step


def lens_step(model, settings: dict, pairs: torch.Tensor, correct: torch.Tensor) -> Step:
    """A step of the native model as its users write it; the loss is in float64 as ours is."""
    tokens = torch.nn.functional.pad(pairs[0], (0, 1), value=settings["p"])
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    rate, betas = settings["learning_rate"], tuple(settings["betas"])
    optimiser = torch.optim.AdamW(trained, rate, betas, weight_decay=settings["weight_decay"])

    def step():
        started = perf_counter()
        optimiser.zero_grad()
        logits = model(tokens)[:, -1]
        loss = torch.nn.functional.cross_entropy(logits.double(), correct[0])
        loss.backward()
        optimiser.step()
        return loss.detach()[None], {"step": perf_counter() - started}

    return step


def by_default(step: Step) -> Step:
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
        started = perf_counter()
        for operation, args, kwargs in calls:
            operation(*args, **kwargs)
        return None, {"step": perf_counter() - started}

    return again


def regression_step(settings: dict, n_seeds: int) -> Step:
    """One step of a stack of seeds: ``LinearRegression.losses``, cut where the sampling ends."""
    with tempfile.TemporaryDirectory() as folder:
        write_tensors(Path(folder, "evaluation"), {})  # nothing is evaluated here
        data, settings = [Path(folder, "evaluation")], settings | {"measured_at": []}
        objective = LinearRegression(settings, data, torch.device("cpu"))
    seeds, steps = range(n_seeds), itertools.count(settings["steps"] // 2)
    own = [objective.initial(seed) for seed in seeds]
    parameters = {name: torch.stack([o[name] for o in own]) for name in objective.shapes}

    def sample():
        number = next(steps)
        return stack_prompts([objective.prompts(seed, number) for seed in seeds])

    def losses(leaves, prompts):
        predictions = regression.forward(leaves, prompts, objective.architecture)
        return squared_errors(predictions, prompts).mean(dim=-1)

    return stacked_step(parameters, settings, losses, sample)


def timing(quantity: str, times: pd.Series, note: str) -> Row:
    low, median, high = times.quantile([0.25, 0.5, 0.75])
    spread = f"median of {len(times)}, quartiles {low:.3g} and {high:.3g}"
    return quantity, median, "ms", f"{note}; {spread}"


def addition_rows(times: dict[str, pd.DataFrame], flops: int) -> list[Row]:
    notes = {
        "collapsed": "our training step",
        "products": "the floor: the matrix products of our step alone",
        "full_sequence": "our optimiser, every position of every pair computed",
        "transformer_lens": "native model, torch.optim.AdamW, PyTorch as installed",
        "transformer_lens_onednn": "the same with the matrix products that this project chooses",
    }
    rows = [timing(f"addition_step_{n}", times[n]["step"], note) for n, note in notes.items()]
    median = {name: times[name]["step"].median() for name in notes}
    ours, floor = median["collapsed"], median["products"]
    work = f"{flops / 1e9:.3g} GFLOP at {flops / floor / 1e6:.3g} GFLOP/s"
    rows.append(("addition_share_of_floor", floor / ours, "share", f"floor / our step; {work}"))
    for name in ("transformer_lens", "transformer_lens_onednn", "full_sequence"):
        quantity = f"addition_speedup_over_{name}"
        rows.append((quantity, median[name] / ours, "x", "its step / our step"))
    return rows


def regression_rows(times: dict[str, pd.DataFrame]) -> list[Row]:
    notes = {"step": "a whole training step", **PARTS}
    names = itertools.product(STACKS, notes)
    rows = [timing(f"regression_{s}_{part}", times[s][part], notes[part]) for s, part in names]
    one, ten = (times[stack].median() for stack in STACKS)
    bound = ten[[*PARTS]].idxmax()
    parts = ", ".join(f"{part} {ten[part] / one[part]:.2f}x" for part in PARTS)
    note = f"{parts}; bound by {bound} ({PARTS[bound]}), {ten[bound] / ten['step']:.0%} of the step"
    return [*rows, ("regression_ten_seeds_over_one", ten["step"] / one["step"], "x", note)]


if __name__ == "__main__":
    main()
