"""Prompts from beyond the training distribution: each shift changes one thing and no other.

x ~ N(0, Λ), w ~ N(0, s² I_d), y_i = wᵀx_i + noise of variance σ² in the context only. Errors are
measured against wᵀx_test; risk is MSE / E[(wᵀx_test)²], so that predicting 0 scores 1. The values
of one shift share their random numbers, so that a curve over them is smooth; different shifts
have prompts of their own, and every network reads the same ones.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models.prompts import Prompts, random_subspaces
from mechanics.runtime.seeds import generator

REPLICA = 2  # of the stream "evaluation": 0 are the held-out prompts, 1 serves the references
INDEX = {  # in the place of the step
    "context_length": 0,
    "input_scale": 1,
    "weight_scale": 2,
    "covariance": 3,
    "noise": 4,
    "dimension": 5,
    "subspaces": 6,
    "softmax_law": 7,
}
LENGTHS = (0.2, 0.4, 1.0, 1.5, 2.0, 3.0, 4.0)  # of the longest trained context
SCALES = (0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0)
EXPONENTS = (0.0, 0.5, 1.0, 1.5, 2.0)
NOISES = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0)
DIMENSIONS = (0.2, 0.5, 1.0)  # of the way from the trained d to d_max


@dataclass(frozen=True)
class Shift:
    """The law that prompts of k pairs are drawn from, and the name and size of what is shifted."""

    name: str
    value: float
    k: int
    eigenvalues: tuple[float, ...]  # of the diagonal Λ, one for each coordinate of x
    weight_scale: float = 1.0  # s
    noise: float = 0.0  # σ²

    @property
    def d(self) -> int:
        return len(self.eigenvalues)

    @property
    def power(self) -> float:
        """E[(wᵀx_test)²] = s² tr Λ, the squared error of predicting 0."""
        return self.weight_scale**2 * sum(self.eigenvalues)


def power_law_eigenvalues(d: int, exponent: float) -> tuple[float, ...]:
    """d eigenvalues ∝ j^(−exponent), j = 1 … d, whose sum is d."""
    unscaled = [j**-exponent for j in range(1, d + 1)]
    return tuple(d * value / sum(unscaled) for value in unscaled)


def shifts(settings: dict) -> list[Shift]:
    """All shifts of a run, from its ``d``, ``k_min``, ``k_max``, ``d_max`` and ``measured_at``.

    ``dimension`` exists only with ``d_max``, at the k of ``measured_at`` that were trained on.
    All others keep d, and all but ``context_length`` have the longest trained context.
    """
    d, k_min, k_max = settings["d"], settings["k_min"], settings["k_max"]
    white = (1.0,) * d
    lengths = sorted({k_min} | {k for f in LENGTHS if (k := round(f * k_max)) >= k_min})
    found = [Shift("context_length", float(k), k, white) for k in lengths]
    found += [Shift("input_scale", a, k_max, (a**2,) * d) for a in SCALES]
    found += [Shift("weight_scale", a, k_max, white, weight_scale=a) for a in SCALES]
    found += [Shift("covariance", e, k_max, power_law_eigenvalues(d, e)) for e in EXPONENTS]
    found += [Shift("noise", n, k_max, white, noise=n) for n in NOISES]
    if settings["d_max"] is not None:
        more = [round(d + f * (settings["d_max"] - d)) for f in DIMENSIONS]
        dimensions = sorted({max(1, d // 2), d, *more})
        trained = [k for k in settings["measured_at"] if k_min <= k <= k_max]
        found += [Shift("dimension", float(n), k, (1.0,) * n) for k in trained for n in dimensions]
    return found


def base_draws(
    shifts_of_a_name: list[Shift], n_prompts: int, n_queries: int
) -> Float[Tensor, "prompt row column"]:
    """Normal numbers for all values of one shift: rows are w, the test points and the context.

    Column 0 is the noise of y. There are enough rows and columns for the longest context and the
    most dimensions; shorter and lower ones use the first of them.

    Raises ValueError for shifts of different names.
    """
    names = {shift.name for shift in shifts_of_a_name}
    if len(names) != 1:
        raise ValueError(f"only values of one shift share their numbers, not {sorted(names)}")
    longest = max(shift.k for shift in shifts_of_a_name)
    d = max(shift.d for shift in shifts_of_a_name)
    draw = generator("evaluation", REPLICA, INDEX[names.pop()])
    return torch.randn(n_prompts, 1 + n_queries + longest, 1 + d, generator=draw)


def shifted_prompts(
    shift: Shift, base: Float[Tensor, "prompt row column"], n_queries: int
) -> Prompts:
    """The prompts of one value of a shift, x in R^d; the seed dimension is 1."""
    first = 1 + n_queries
    scale = torch.tensor(shift.eigenvalues).sqrt()
    w = shift.weight_scale * base[:, 0, 1 : 1 + shift.d, None]
    x_test = base[:, 1:first, 1 : 1 + shift.d] * scale
    context = base[:, first : first + shift.k]
    x = context[..., 1 : 1 + shift.d] * scale
    y = (x @ w)[..., 0] + shift.noise**0.5 * context[..., 0]
    return Prompts(x[None], y[None], x_test[None], (x_test @ w)[None, ..., 0])


def shifted_subspaces(d: int, d_max: int, n_prompts: int) -> Float[Tensor, "prompt d d_max"]:
    """A random d-dimensional subspace of R^d_max for every prompt of the ``dimension`` shift."""
    draw = generator("evaluation", REPLICA, INDEX["subspaces"])
    return random_subspaces(n_prompts, d, d_max, draw)
