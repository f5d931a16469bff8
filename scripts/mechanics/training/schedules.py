"""What changes over a training: learning rate, context lengths, and when the network is saved."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from mechanics.runtime.seeds import generator


def learning_rate(step: int, n_steps: int, peak: float, schedule: str, warmup_steps: int) -> float:
    """Linear warm-up to ``peak``, then constant or (``one_cycle``) a cosine down to zero.

    Raises ValueError for another schedule.
    """
    warmup = min(1.0, (step + 1) / warmup_steps) if warmup_steps else 1.0
    if schedule == "constant":
        return peak * warmup
    if schedule == "one_cycle":
        return peak * warmup * 0.5 * (1 + math.cos(math.pi * step / n_steps))
    raise ValueError(f"schedule {schedule!r}: expected 'constant' or 'one_cycle'")


def context_range(
    step: int, n_steps: int, k_min: int, k_max: int, order: str, full_range_at: float
) -> tuple[int, int]:
    """The context lengths in use at a step, both ends included.

    ``mixed``: all from the start. ``growing``: k_min first, longer ones added until, from the share
    ``full_range_at`` of the training on, all are in use.
    """
    share = 1.0 if order == "mixed" else min(1.0, step / (full_range_at * n_steps))
    return k_min, k_min + round((k_max - k_min) * share)


def context_lengths(
    low: int,
    high: int,
    n_prompts: int,
    one_length: bool,
    generator: torch.Generator,
    strata: int | None = None,
) -> Int[Tensor, "prompt"]:
    """A length per prompt, uniform in [low, high]; or (``one_length``) one that all share.

    With ``strata`` the range is cut into so many parts, shortest first, and each is drawn from by
    the same number of prompts, side by side.
    """
    if strata is not None:
        within = torch.rand(strata, n_prompts // strata, generator=generator)
        share = (torch.arange(strata)[:, None] + within) / strata
        lengths = low + (share * (high - low + 1)).floor().long()
        return lengths.clamp(max=high).flatten()  # a share may be rounded to 1
    drawn = torch.randint(low, high + 1, (1 if one_length else n_prompts,), generator=generator)
    return drawn.expand(n_prompts)


def lengths_of_step(settings: dict, seed: int, step: int) -> Int[Tensor, "length"]:
    """Those of one replica's prompts at a step: of each, or those that prompts side by side share.

    ``one_length_per_step``: one that all share, with ``strata`` one in each stratum. Every replica
    then has the same, whatever stack it is in.
    """
    keys = ("steps", "k_min", "k_max", "curriculum", "full_range_at")
    low, high = context_range(step, *(settings[key] for key in keys))
    shared, strata = settings.get("one_length_per_step"), settings.get("strata")
    n_lengths = (strata or 1) if shared else settings["prompts_per_step"]
    draw = generator("batch", 0 if shared else seed, step)
    return context_lengths(low, high, n_lengths, bool(shared and not strata), draw, strata)


def checkpoint_steps(
    n_steps: int, log_spaced: int, log_until: int, every: int, also: Sequence[int] = ()
) -> list[int]:
    """Scheduled checkpoints: 0, the last, ``log_spaced`` up to ``log_until``, then ``every`` n.

    >>> checkpoint_steps(400, 3, 100, 200)
    [0, 1, 10, 100, 200, 400]
    """
    early = np.round(np.geomspace(1, log_until, log_spaced)).astype(int).tolist()
    late = [step for step in range(every, n_steps + 1, every) if step > log_until]
    return sorted({0, *early, *late, *also, n_steps})
