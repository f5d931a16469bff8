"""What the training loop asks of a task: first weights, losses of a step, and measurements.

``OBJECTIVES`` maps a task's name to its class. ``settings`` is the slice of the config that one
training depends on, as ``mechanics.config.training_settings`` cuts it.
"""

from dataclasses import replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import pandas as pd
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mechanics.models import addition, regression
from mechanics.models.block import Architecture, initialise
from mechanics.seeds import generator
from mechanics.tasks import modular_addition
from mechanics.tasks.linear_regression import (
    Prompts,
    embed,
    random_subspaces,
    sample_prompts,
    shorten,
    squared_errors,
    stack_prompts,
)
from mechanics.training.checkpoint import read_tensors
from mechanics.training.curriculum import context_lengths, context_range

Parameters = dict[str, Tensor]


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


def architecture(settings: dict) -> Architecture:
    """The network of a run. A regression network without embedding has one d_model: d + 1."""
    model = {key: settings[key] for key in ("attention", "n_layers", "n_heads", "d_mlp")}
    d_model, embedded = settings["d_model"], settings["d_model"] != "token"
    if not embedded:
        d_model = token_d(settings) + 1
    return Architecture(
        **model,
        d_model=d_model,
        d_head=d_model // settings["n_heads"] if embedded else d_model,
        layer_norm=settings["layer_norm"],
        embedded=embedded,
        activation_clip=settings["activation_clip"],
    )


def token_d(settings: dict) -> int:
    """Dimensions of x in a token: d, or ``d_max`` where x lies in a subspace of more of them."""
    return settings["d_max"] or settings["d"]


def _initial(shapes: dict, settings: dict, d_model: int, seed: int) -> Parameters:
    std = settings["init_std"] or d_model**-0.5
    return initialise(shapes, std, generator("init", seed))


class LinearRegression:
    """Mean squared error on prompts drawn afresh at every step."""

    def __init__(self, settings: dict, data: list[Path], device: torch.device) -> None:
        self.settings, self.device = settings, device
        self.architecture = architecture(settings)
        self.shapes = regression.parameter_shapes(self.architecture, token_d(settings))
        stored, _ = read_tensors(data[0])
        self.evaluation = {
            k: embed(
                evaluation_prompts(stored, k, settings["n_prompts_history"]), token_d(settings)
            ).to(device)
            for k in settings["measured_at"]
        }

    def initial(self, seed: int) -> Parameters:
        return _initial(self.shapes, self.settings, self.architecture.d_model, seed)

    def prompts(self, seed: int, step: int) -> Prompts:
        """The training prompts of one replica at one step."""
        s = self.settings
        low, high = context_range(
            step, s["steps"], s["k_min"], s["k_max"], s["curriculum"], s["full_range_at"]
        )
        n_prompts, one_length = s["prompts_per_step"], s["one_length_per_step"]
        # a length for the whole step is shared by all replicas, whatever stack they are in
        draw = generator("batch", 0 if one_length else seed, step)
        lengths = context_lengths(low, high, n_prompts, one_length, draw)
        k = int(lengths[0]) if one_length else s["k_max"]
        prompts = sample_prompts(
            "prompts", seed, step, n_prompts, k, s["queries_per_prompt"], s["d"]
        )
        if s["d_max"] is not None:
            draw = generator("subspace", seed, step)
            random = s["subspace"] == "random"
            bases = random_subspaces(n_prompts, s["d"], s["d_max"], draw) if random else None
            prompts = embed(prompts, s["d_max"], bases)
        return prompts if one_length else shorten(prompts, lengths[None])

    def losses(self, parameters, seeds, step) -> Float[Tensor, "seed"]:
        prompts = stack_prompts([self.prompts(seed, step) for seed in seeds]).to(self.device)
        predictions = regression.forward(parameters, prompts, self.architecture)
        return squared_errors(predictions, prompts).mean(dim=-1)

    @torch.no_grad()
    def measure(self, parameters, seeds) -> list[dict]:
        rows = []
        for k, prompts in self.evaluation.items():
            shared = prompts.expand(len(seeds))
            errors = squared_errors(
                regression.forward(parameters, shared, self.architecture), shared
            ).double()
            risk = errors.mean(dim=-1) / self.settings["d"]
            error = errors.std(dim=-1) / (self.settings["d"] * errors.shape[-1] ** 0.5)
            for row, seed in enumerate(seeds):
                rows.append({"seed": seed, "k": k, "risk": risk[row], "risk_se": error[row]})
        return [{key: getattr(v, "item", lambda v=v: v)() for key, v in r.items()} for r in rows]

    def progress(self, rows) -> float:
        """Risk averaged over the evaluated context lengths."""
        return sum(row["risk"] for row in rows) / len(rows)

    def memorised(self, rows) -> bool:
        """Prompts are drawn afresh at every step: there is nothing to memorise."""
        return False

    def finished(self, history) -> bool:
        return False


def evaluation_prompts(stored: dict[str, Tensor], k: int, n_prompts: int | None = None) -> Prompts:
    """The held-out prompts with k pairs, the first ``n_prompts`` of them, from the data stage.

    A copy, so that a few of them do not keep all of them in memory.
    """
    names = ("x", "y", "x_test", "y_test")
    return Prompts(*(stored[f"k{k}/{name}"][None, :n_prompts].clone() for name in names))


class ModularAddition:
    """Cross-entropy at "=" on the training pairs, all of them or a random batch at every step.

    ``mlp_dtype`` is that of the training steps; what is measured is measured in float32.
    """

    def __init__(self, settings: dict, data: list[Path], device: torch.device) -> None:
        self.settings, self.device = settings, device
        self.architecture = architecture(settings)
        mlp_dtype = getattr(torch, settings.get("mlp_dtype", "float32"))
        self.trained_as = replace(self.architecture, mlp_dtype=mlp_dtype)
        p = settings["p"]
        self.shapes = addition.parameter_shapes(self.architecture, p)
        self.pairs = modular_addition.all_pairs(p).to(device)
        self.targets = modular_addition.targets(self.pairs, p)
        self.trained: dict[int, Bool[Tensor, pair]] = {}
        for path in data:
            split = pd.read_parquet(path)
            mask = torch.tensor((split["split"] == "train").to_numpy())
            self.trained[int(split["seed"].iloc[0])] = mask.to(device)
        self.training_rows = {seed: mask.nonzero()[:, 0] for seed, mask in self.trained.items()}

    def initial(self, seed: int) -> Parameters:
        return _initial(self.shapes, self.settings, self.architecture.d_model, seed)

    def batch_rows(self, seed: int, step: int) -> Tensor:
        """Rows of ``all_pairs`` that one replica trains on at one step."""
        rows, size = self.training_rows[seed], self.settings["pairs_per_step"]
        if size is None or size >= len(rows):
            return rows
        order = torch.randperm(len(rows), generator=generator("batch", seed, step))
        return rows[order[:size].to(self.device)]

    def losses(self, parameters, seeds, step) -> Float[Tensor, "seed"]:
        rows = torch.stack([self.batch_rows(seed, step) for seed in seeds])
        logits = addition.forward(parameters, self.pairs[rows], self.trained_as)
        return modular_addition.cross_entropy(logits, self.targets[rows]).mean(dim=-1)

    @torch.no_grad()
    def measure(self, parameters, seeds) -> list[dict]:
        result = []
        for row, seed in enumerate(seeds):
            own = {name: tensor[row : row + 1] for name, tensor in parameters.items()}
            logits = addition.forward(own, self.pairs[None], self.architecture)[0]
            loss = modular_addition.cross_entropy(logits, self.targets)
            right = (logits.argmax(dim=-1) == self.targets).double()
            norm = sum(tensor.double().square().sum() for tensor in own.values()).item()
            train = self.trained[seed]
            for split, members in (("train", train), ("validation", ~train)):
                result.append(
                    {
                        "seed": seed,
                        "split": split,
                        "loss": loss[members].mean().item(),
                        "accuracy": right[members].mean().item(),
                        "norm_squared": norm,
                    }
                )
        return result

    def progress(self, rows) -> float:
        """Validation accuracy."""
        return next(row["accuracy"] for row in rows if row["split"] == "validation")

    def memorised(self, rows) -> bool:
        """Training accuracy has reached ``grokking_accuracy``."""
        train = next(row for row in rows if row["split"] == "train")
        return train["accuracy"] >= self.settings["grokking_accuracy"]

    def finished(self, history) -> bool:
        """``stop_after_grokking`` steps have passed since the grokking step."""
        patience = self.settings["stop_after_grokking"]
        if patience is None:
            return False
        rows = [row for row in history if row["split"] == "validation"]
        steps, accuracy = [r["step"] for r in rows], [r["accuracy"] for r in rows]
        grokked = modular_addition.grokking_step(
            steps, accuracy, self.settings["grokking_accuracy"]
        )
        return grokked is not None and steps[-1] - grokked >= patience


OBJECTIVES = {"linear_regression": LinearRegression, "modular_addition": ModularAddition}
