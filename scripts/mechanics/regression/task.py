"""Training on in-context linear regression: prompts, or their moments, drawn anew at every step."""

from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models import regression
from mechanics.models.moments import GUARD, Moments, draw_moments, stack_moments
from mechanics.models.moments import squared_errors as squared_errors_of_moments
from mechanics.models.prompts import (
    Prompts,
    embed,
    evaluation_prompts,
    mean_and_error,
    random_subspaces,
    sample_prompts,
    shorten,
    squared_errors,
    stack_prompts,
    training_tasks,
)
from mechanics.models.transformer import architecture, token_d
from mechanics.runtime.seeds import generator
from mechanics.training.checkpoint import read_tensors
from mechanics.training.schedules import lengths_of_step

Parameters = dict[str, Tensor]
RISK_FLOOR = 1e-3  # a risk far below it is not worth lowering at the cost of another length's


class Task:
    """Mean squared error on prompts drawn afresh at every step.

    With ``strata`` of k the loss is the mean over strata of log(risk + RISK_FLOOR), so that a
    length counts by the factor, not by the amount, by which its risk falls. One stratum more is
    stretched (``draw_moments``): the shortest contexts again, their loss log(risk + 1). It has many
    of the eigenvalues that else one prompt in a million has, and without which deep linear
    attention, a polynomial of high degree, explodes at them.
    """

    def __init__(self, settings: dict, data: list[Path], device: torch.device) -> None:
        self.settings, self.device = settings, device
        self.noise = settings.get("noise", 0.0)
        self.architecture = architecture(settings)
        self.shapes = regression.parameter_shapes(self.architecture, token_d(settings))
        stored, _ = read_tensors(data[0])
        n_prompts, d = settings["n_prompts_history"], token_d(settings)
        self.evaluation = {
            k: embed(evaluation_prompts(stored, k, n_prompts, self.noise), d).to(device)
            for k in settings["measured_at"]
        }

    def initial(self, seed: int) -> Parameters:
        return regression.initial(self.settings, seed)

    def prompts(self, seed: int, step: int) -> Prompts:
        """The training prompts of one replica at one step."""
        s, lengths = self.settings, lengths_of_step(self.settings, seed, step)
        n_prompts, one_length = s["prompts_per_step"], s["one_length_per_step"]
        k = int(lengths.max()) if one_length else s["k_max"]
        sizes = n_prompts, k, s["queries_per_prompt"], s["d"]
        tasks = training_tasks(seed, s.get("n_tasks"), s["d"])
        prompts = sample_prompts("prompts", seed, step, *sizes, self.noise, tasks)
        if s["d_max"] is not None:
            draw = generator("subspace", seed, step)
            random = s["subspace"] == "random"
            bases = random_subspaces(n_prompts, s["d"], s["d_max"], draw) if random else None
            prompts = embed(prompts, s["d_max"], bases)
        return prompts if one_length else shorten(prompts, lengths[None])

    def moments(self, seed: int, step: int) -> Moments:
        """The moments of one replica's training prompts; with strata, stretched ones after them."""
        lengths, strata = lengths_of_step(self.settings, seed, step), self.settings.get("strata")
        n_stretched = len(lengths) // strata if strata else 0
        lengths = torch.cat([lengths, lengths[:n_stretched]])
        d = self.settings["d"]
        return draw_moments("prompts", seed, step, lengths, d, n_stretched, self.noise)

    def errors(self, parameters, seeds, step) -> Float[Tensor, "seed prompt"]:
        """The mean squared error of every training prompt."""
        if self.settings.get("trained_on", "prompts") == "prompts":
            prompts = stack_prompts([self.prompts(seed, step) for seed in seeds]).to(self.device)
            predictions = regression.forward(parameters, prompts, self.architecture)
            return squared_errors(predictions, prompts)
        drawn = stack_moments([self.moments(seed, step) for seed in seeds]).to(self.device)
        return squared_errors_of_moments(parameters, drawn, self.architecture, GUARD)

    def risks_by_stratum(self, parameters, seeds, step) -> Float[Tensor, "seed stratum"]:
        """One forward pass for each stratum, whose prompts share a length."""
        drawn = stack_prompts([self.prompts(seed, step) for seed in seeds]).to(self.device)
        lengths = lengths_of_step(self.settings, 0, step).tolist()
        n_own, risks = self.settings["prompts_per_step"] // len(lengths), []
        for stratum, k in enumerate(lengths):
            own = drawn.part(slice(stratum * n_own, (stratum + 1) * n_own))
            own = replace(own, x=own.x[..., :k, :], y=own.y[..., :k])
            predictions = regression.forward(parameters, own, self.architecture)
            risks.append(squared_errors(predictions, own).mean(dim=-1) / self.settings["d"])
        return torch.stack(risks, dim=-1)

    def losses(self, parameters, seeds, step) -> Float[Tensor, "seed *stratum"]:
        strata = self.settings.get("strata")
        if strata and self.settings["one_length_per_step"]:
            return self.risks_by_stratum(parameters, seeds, step)
        errors = self.errors(parameters, seeds, step)
        if strata is None:
            return errors.mean(dim=-1)
        risks = errors.unflatten(-1, (strata + 1, -1)).mean(dim=-1) / self.settings["d"]
        floors = torch.tensor([RISK_FLOOR] * strata + [1.0], device=risks.device)
        return (risks + floors).log().mean(dim=-1)

    @torch.no_grad()
    def measure(self, parameters, seeds) -> list[dict]:
        rows = []
        for k, prompts in self.evaluation.items():
            shared = prompts.expand(len(seeds))
            predictions = regression.forward(parameters, shared, self.architecture)
            found = mean_and_error(
                squared_errors(predictions, shared).double() / self.settings["d"]
            )
            for seed, risk, error in zip(seeds, *(own.tolist() for own in found), strict=True):
                rows.append({"seed": seed, "k": k, "risk": risk, "risk_se": error})
        return rows

    def progress(self, rows) -> float:
        """Risk averaged over the evaluated context lengths."""
        return sum(row["risk"] for row in rows) / len(rows)

    def memorised(self, rows) -> bool:
        """Prompts are drawn afresh at every step: there is nothing to memorise."""
        return False

    def finished(self, history) -> bool:
        return False
