"""In-context linear regression: prompts, and the risk with which predictions are judged.

w ~ N(0, I_d), x_i ~ N(0, I_d), y_i = wᵀx_i + ε_i with ε_i ~ N(0, σ²), σ² = ``noise``. A prompt is
(x_1, y_1) … (x_k, y_k) and one or more test points, whose y_test = wᵀx_test has no noise. Risk is
the mean squared error divided by E[(wᵀx)²] = d, so that predicting 0 scores 1.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mechanics.runtime.seeds import generator

NOISE = 5  # replica of the stream "evaluation" that makes held-out prompts noisy


@dataclass
class Prompts:
    """A batch of prompts for a stack of replicas.

    ``mask`` marks the context tokens that exist where prompts of several lengths share a tensor
    (the others are zero); ``None`` means that all exist.
    """

    x: Float[Tensor, "seed prompt k d"]
    y: Float[Tensor, "seed prompt k"]
    x_test: Float[Tensor, "seed prompt query d"]
    y_test: Float[Tensor, "seed prompt query"]
    mask: Bool[Tensor, "seed prompt k"] | None = None

    def to(self, device: torch.device) -> "Prompts":
        return self._map(lambda tensor: tensor.to(device))

    def expand(self, n_seeds: int) -> "Prompts":
        """The same prompts for each of ``n_seeds`` replicas (a view where only one is stored)."""
        return self._map(lambda tensor: tensor.expand(n_seeds, *tensor.shape[1:]))

    def double(self) -> "Prompts":
        return self._map(lambda tensor: tensor.double() if tensor.is_floating_point() else tensor)

    def part(self, which: slice) -> "Prompts":
        """Some of the prompts (a view)."""
        return self._map(lambda tensor: tensor[:, which])

    def chunks(self, size: int) -> "list[Prompts]":
        """All prompts, ``size`` at a time (views): bounds the memory of what is made of them."""
        return [self.part(slice(i, i + size)) for i in range(0, self.x.shape[1], size)]

    def _map(self, function: Callable[[Tensor], Tensor]) -> "Prompts":
        tensors = {f.name: getattr(self, f.name) for f in fields(self)}
        return Prompts(**{n: t if t is None else function(t) for n, t in tensors.items()})


def sample_prompts(
    stream: str,
    replica: int,
    step: int,
    n_prompts: int,
    k: int,
    n_queries: int,
    d: int,
    noise: float = 0.0,
    tasks: Float[Tensor, "task d"] | None = None,
) -> Prompts:
    """Prompts of k pairs, a pure function of the arguments; the seed dimension is 1.

    ``tasks``: each prompt has one of these w, all equally probable, in place of a new one.
    """
    draw = generator(stream, replica, step)
    normal = torch.randn(n_prompts, 1 + k + n_queries, d, generator=draw)
    w, x, x_test = normal.split([1, k, n_queries], dim=1)
    if tasks is not None:
        w = tasks[torch.randint(len(tasks), (n_prompts, 1), generator=draw)]
    y, y_test = x @ w.transpose(1, 2), x_test @ w.transpose(1, 2)
    prompts = Prompts(x[None], y[None, ..., 0], x_test[None], y_test[None, ..., 0])
    return with_noise(prompts, noise, draw)


def with_noise(prompts: Prompts, noise: float, generator: torch.Generator) -> Prompts:
    """The same prompts with noise of this variance in the context, not in y_test."""
    if not noise:
        return prompts
    epsilon = torch.randn(prompts.y.shape, generator=generator).to(prompts.y)
    return replace(prompts, y=prompts.y + noise**0.5 * epsilon)


def training_tasks(seed: int, n_tasks: int | None, d: int) -> Float[Tensor, "task d"] | None:
    """The w that a replica is trained on, each from N(0, I_d); None: a new one for every prompt."""
    if n_tasks is None:
        return None
    return torch.randn(n_tasks, d, generator=generator("tasks", seed))


def stack_prompts(prompts: list[Prompts]) -> Prompts:
    """One stack from the prompts of single replicas: all with a mask, or all without."""
    columns = {f.name: [getattr(p, f.name) for p in prompts] for f in fields(Prompts)}
    return Prompts(**{k: v[0] if v[0] is None else torch.cat(v) for k, v in columns.items()})


def shorten(prompts: Prompts, lengths: Int[Tensor, "seed prompt"]) -> Prompts:
    """Keep the first ``lengths`` pairs of each prompt; the rest becomes zero and masked."""
    k = prompts.x.shape[-2]
    mask = torch.arange(k) < lengths[..., None]
    return Prompts(
        prompts.x * mask[..., None], prompts.y * mask, prompts.x_test, prompts.y_test, mask
    )


def random_subspaces(
    n_prompts: int, d: int, d_max: int, generator: torch.Generator
) -> Float[Tensor, "prompt d d_max"]:
    """An orthonormal basis, as rows, of a d-dimensional subspace of R^d_max for every prompt.

    Uniformly distributed: the Q of a Gaussian matrix, in a basis that does not matter here,
    because x and w are isotropic within it.
    """
    normal = torch.randn(n_prompts, d_max, d, generator=generator)
    return torch.linalg.qr(normal).Q.transpose(-1, -2).contiguous()


def embed(
    prompts: Prompts, d_max: int, bases: Float[Tensor, "prompt d d_max"] | None = None
) -> Prompts:
    """The same prompts with x in R^d_max: in the span of ``bases``, or (``None``) padded by zeros.

    y does not change: w lies in the same subspace.
    """
    padded = [
        torch.nn.functional.pad(x, (0, d_max - x.shape[-1])) if bases is None else x @ bases
        for x in (prompts.x, prompts.x_test)
    ]
    return Prompts(padded[0], prompts.y, padded[1], prompts.y_test, prompts.mask)


def squared_errors(
    predictions: Float[Tensor, "*seed prompt query"], prompts: Prompts
) -> Float[Tensor, "*seed prompt"]:
    """Squared error of every prompt, averaged over its test points."""
    return (predictions - prompts.y_test).square().mean(dim=-1)


def mean_and_error(
    values: Float[Tensor, "*batch prompt"],
) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch"]]:
    """Mean over prompts and its standard error."""
    return values.mean(dim=-1), values.std(dim=-1) / values.shape[-1] ** 0.5


def controlled_mean(
    values: Float[Tensor, " prompt"], control: Float[Tensor, " prompt"], known_mean: float
) -> tuple[float, float]:
    """Mean over prompts and its standard error, less what another value says of these prompts.

    ``control`` is a value of the same prompts whose ``known_mean`` is exact. Its excess here, times
    the slope of ``values`` on it, is chance that both share (a control variate). The plain mean
    where ``values`` are not finite or ``control`` does not vary.
    """
    centred = control - control.mean()
    slope = (centred * values).sum() / centred.square().sum()
    if not slope.isfinite():
        slope = torch.zeros_like(slope)
    mean, error = mean_and_error(values - slope * (control - known_mean))
    return float(mean), float(error)


def describe_risk(
    predictions: Float[Tensor, "1 prompt query"], prompts: Prompts, power: float | None = None
) -> dict[str, float]:
    """Risk of one replica's predictions: squared error over E[y²], by default d.

    ``risk`` is its mean over prompts, ``risk_se`` the standard error of that, ``risk_median`` the
    median prompt's.
    """
    errors = squared_errors(predictions, prompts)[0].double() / (power or prompts.x.shape[-1])
    risk, error = mean_and_error(errors)
    return {"risk": float(risk), "risk_se": float(error), "risk_median": float(errors.median())}


def evaluation_prompts(
    stored: dict[str, Tensor], k: int, n_prompts: int | None = None, noise: float = 0.0
) -> Prompts:
    """The held-out prompts with k pairs, the first ``n_prompts`` of them, from the data stage.

    With ``noise`` they are the same ones, made noisy. A copy, so that a few of them do not keep all
    of them in memory.
    """
    names = ("x", "y", "x_test", "y_test")
    prompts = Prompts(*(stored[f"k{k}/{name}"][None] for name in names))
    noisy = with_noise(prompts, noise, generator("evaluation", NOISE, k))
    return noisy.part(slice(n_prompts))._map(torch.clone)
