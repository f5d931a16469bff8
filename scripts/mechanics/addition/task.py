"""Training on modular addition: the same training pairs at every step, or batches of them."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pandas as pd
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mechanics.addition import pairs as modular_addition
from mechanics.addition.operation import answer, operation_pairs
from mechanics.models import addition, table_rows
from mechanics.models.table_rows import PairRows
from mechanics.models.transformer import architecture, initial_weights
from mechanics.runtime.seeds import generator

Parameters = dict[str, Tensor]


class Task:
    """Cross-entropy at "=" on the training pairs, all of them or a random batch at every step.

    ``mlp_dtype`` is that of the training steps; what is measured is measured in float32. Training
    divides the logits by ``temperature``, from ``restart_at`` on if there is such a step;
    measurements do not.
    """

    def __init__(self, settings: dict, data: list[Path], device: torch.device) -> None:
        self.settings, self.device = settings, device
        self.architecture = architecture(settings)
        mlp_dtype = getattr(torch, settings.get("mlp_dtype", "float32"))
        self.trained_as = replace(self.architecture, mlp_dtype=mlp_dtype)
        p, operation = settings["p"], settings.get("operation", "add")
        self.shapes = addition.parameter_shapes(self.architecture, p)
        self.pairs = operation_pairs(p, operation).to(device)
        self.targets = answer(self.pairs, p, operation)
        self.trained: dict[int, Bool[Tensor, pair]] = {}
        for path in data:
            split = pd.read_parquet(path)
            mask = torch.tensor((split["split"] == "train").to_numpy())
            self.trained[int(split["seed"].iloc[0])] = mask.to(device)
        self.training_rows = {seed: mask.nonzero()[:, 0] for seed, mask in self.trained.items()}
        size = settings["pairs_per_step"]
        # one stack at a time: it shrinks when a replica ends, and does not grow again
        self.pair_rows = lru_cache(maxsize=1)(self._pair_rows)
        n_pairs = int(settings["train_fraction"] * len(self.pairs))
        self.by_tables = (
            (size is None or size >= n_pairs)
            and table_rows.applies(self.architecture)
            and table_rows.pays(self.architecture, p, n_pairs)
        )

    def initial(self, seed: int) -> Parameters:
        own = initial_weights(self.shapes, self.settings, self.architecture.d_model, seed)
        factor = self.settings.get("norm_factor", 1.0)
        return {name: factor * tensor for name, tensor in own.items()}

    def batch_rows(self, seed: int, step: int) -> Tensor:
        """Rows of ``operation_pairs`` that one replica trains on at one step."""
        rows, size = self.training_rows[seed], self.settings["pairs_per_step"]
        if size is None or size >= len(rows):
            return rows
        order = torch.randperm(len(rows), generator=generator("batch", seed, step))
        return rows[order[:size].to(self.device)]

    def _pair_rows(self, seeds: tuple[int, ...]) -> PairRows:
        """The table rows of the pairs of each replica, which are the same at every step."""
        pairs = self.pairs[torch.stack([self.training_rows[seed] for seed in seeds])]
        return PairRows(pairs, self.settings["p"], self.architecture.n_heads)

    def losses(self, parameters, seeds, step) -> Float[Tensor, "seed"]:
        rows = torch.stack([self.batch_rows(seed, step) for seed in seeds])
        if self.by_tables:
            logits = table_rows.forward(parameters, self.pair_rows(tuple(seeds)), self.trained_as)
        else:
            logits = addition.forward(parameters, self.pairs[rows], self.trained_as)
        if step >= (self.settings.get("restart_at") or 0):
            logits = logits / self.settings.get("temperature", 1.0)
        return modular_addition.mean_cross_entropy(logits, self.targets[rows])

    @torch.no_grad()
    def measure(self, parameters, seeds) -> list[dict]:
        result = []
        for row, seed in enumerate(seeds):
            own = {name: tensor[row : row + 1] for name, tensor in parameters.items()}
            logits = addition.forward(own, self.pairs[None], self.architecture)[0]
            loss = modular_addition.cross_entropy(logits, self.targets)
            right = (logits.argmax(dim=-1) == self.targets).double()
            norm = sum(tensor.double().square().sum() for tensor in own.values()).item()
            scale = (logits - logits.mean(dim=-1, keepdim=True)).double().square().mean(dim=-1)
            train = self.trained[seed]
            for split, members in (("train", train), ("validation", ~train)):
                result.append(
                    {
                        "seed": seed,
                        "split": split,
                        "loss": loss[members].mean().item(),
                        "accuracy": right[members].mean().item(),
                        "norm_squared": norm,
                        "logit_scale": scale[members].mean().sqrt().item(),
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
