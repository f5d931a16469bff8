"""The circles of an addition network's embedding, measured rather than looked at.

The rows of W_E that belong to the numbers 0 … p − 1 are centred first: what all numbers share says
nothing about which number is there.
"""

from dataclasses import dataclass
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.addition.fourier import NO_VARIANCE, fourier_basis, frequencies
from mechanics.runtime.seeds import generator

N_RANDOM = 50  # random embeddings; a mean R² is then known to about .01


@dataclass(frozen=True)
class Circle:
    """How near to a perfect circle of frequency k the p numbers lie in a plane.

    ``radius_cv``: standard deviation of the distances from the centre over their mean; 0 for a
    circle. ``angle_r_squared``: ``angle_r_squared``. ``fve``: share of the variance of W_E that
    lies in the plane.
    """

    frequency: int
    radius_cv: float
    angle_r_squared: float
    fve: float
    coordinates: Float[Tensor, "number 2"]


def number_embeddings(W_E: Float[Tensor, "token d_model"]) -> Float[Tensor, "number d_model"]:
    """The centred embeddings of 0 … p − 1, in float64, without the last token, "="."""
    numbers = W_E[:-1].double().cpu()
    return numbers - numbers.mean(dim=0)


def key_plane(
    numbers: Float[Tensor, "number d_model"], frequency: int
) -> Float[Tensor, "d_model 2"]:
    """An orthonormal basis of the plane spanned by W_Eᵀ cos ω_k and W_Eᵀ sin ω_k.

    The first vector points along W_Eᵀ cos ω_k. Directions are not chosen by variance, so other
    frequencies that share the plane stay visible in it.
    """
    waves = fourier_basis(len(numbers))[2 * frequency - 1 : 2 * frequency + 1]
    directions = (waves @ numbers).T
    basis, triangle = torch.linalg.qr(directions)
    return basis * torch.where(triangle.diagonal() < 0, -1.0, 1.0)


def principal_plane(numbers: Float[Tensor, "number d_model"]) -> Float[Tensor, "d_model 2"]:
    """The first two principal components of the centred embeddings."""
    return torch.linalg.svd(numbers, full_matrices=False).Vh[:2].T


def angle_r_squared(coordinates: Float[Tensor, "number 2"]) -> Float[Tensor, "frequency"]:
    """How well the angle of number t is ±ω_k t plus a constant, for every frequency k.

    The share of the sum of squares of the unit vectors e^{iθ_t} that the best c·e^{±iω_k t}
    explains, |mean e^{i(θ_t ∓ ω_k t)}|², for the better of both directions of rotation. It needs
    no unwrapping; R² of unwrapped angles would be near 1 for almost any plane, because k full
    turns are far more variance than any error. The radius does not enter: ``radius_cv`` is about
    it. 1 for a circle; for points without order about 1/p, but in a plane that was chosen by the
    frequency itself far more (``random_circle``).
    """
    p = len(coordinates)
    unit = torch.complex(coordinates[:, 0], coordinates[:, 1])
    unit = unit / unit.abs().clamp(min=torch.finfo(torch.float64).tiny)
    transform = torch.fft.fft(unit) / p  # at k: rotation with t, at p − k: against it
    k = torch.tensor(list(frequencies(p)))
    return torch.maximum(transform[k].abs(), transform[p - k].abs()).square()


def circle(
    numbers: Float[Tensor, "number d_model"],
    plane: Float[Tensor, "d_model 2"],
    frequency: int | None = None,
) -> Circle:
    """Measure the numbers' projection on an orthonormal plane.

    Without a ``frequency`` it is compared with the one that explains the angles best. All is nan
    where the numbers have no extent in the plane, and for the frequency p/2: its numbers lie at two
    points.
    """
    coordinates = numbers @ plane
    by_frequency = angle_r_squared(coordinates)
    k = int(by_frequency.argmax()) + 1 if frequency is None else frequency
    extent = coordinates.square().sum() / numbers.square().sum()
    if 2 * k == len(numbers) or not extent > NO_VARIANCE:
        return Circle(k, *[float("nan")] * 3, coordinates)
    radius = coordinates.norm(dim=1)
    return Circle(
        frequency=k,
        radius_cv=float(radius.std(correction=0) / radius.mean()),
        angle_r_squared=float(by_frequency[k - 1]),
        fve=float(extent),
        coordinates=coordinates,
    )


@cache
def random_circle(p: int, d_model: int, plane: str) -> float:
    """The null of a circle: mean ``angle_r_squared`` of random embeddings.

    Entries are normal, and ``plane`` is chosen as in a network: "key" by frequency 1 (any other is
    as good), "raw" by variance, measured at the frequency that fits best.
    """
    draw, total = generator("bootstrap", 0, 30), 0.0
    for _ in range(N_RANDOM):
        numbers = torch.randn(p, d_model, generator=draw, dtype=torch.float64)
        numbers = numbers - numbers.mean(dim=0)
        own = (key_plane(numbers, 1), 1) if plane == "key" else (principal_plane(numbers),)
        total += circle(numbers, *own).angle_r_squared
    return total / N_RANDOM
