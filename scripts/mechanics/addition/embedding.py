"""The circles of an addition network's embedding, measured rather than looked at.

The embeddings of the numbers are centred first: what all share does not tell one from another.
"""

from dataclasses import dataclass
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.addition.fourier import NO_VARIANCE, fourier_basis, frequencies, frequency_shares
from mechanics.runtime.seeds import generator

Numbers = Float[Tensor, "number d_model"]  # the centred embeddings of 0 … p − 1
Plane = Float[Tensor, "d_model 2"]  # an orthonormal basis
N_RANDOM = 50  # random embeddings; a mean R² is then known to about .01


@dataclass(frozen=True)
class Circle:
    """How near to a perfect circle of frequency k the p numbers lie in a plane.

    ``radius_cv``: standard deviation of the distances from the centre over their mean; 0 for a
    circle. ``fve``: share of the variance of W_E that lies in the plane.
    """

    frequency: int
    radius_cv: float
    angle_r_squared: float
    fve: float
    coordinates: Float[Tensor, "number 2"]


def number_embeddings(W_E: Float[Tensor, "token d_model"]) -> Numbers:
    """The centred embeddings of 0 … p − 1, in float64, without the last token, "="."""
    numbers = W_E[:-1].double().cpu()
    return numbers - numbers.mean(dim=0)


def key_plane(numbers: Numbers, frequency: int) -> Plane:
    """The plane spanned by W_Eᵀ cos ω_k, along which the first vector points, and W_Eᵀ sin ω_k.

    It is not chosen by variance, so other frequencies that share the plane stay visible in it.
    """
    waves = fourier_basis(len(numbers))[2 * frequency - 1 : 2 * frequency + 1]
    directions = (waves @ numbers).T
    basis, triangle = torch.linalg.qr(directions)
    return basis * torch.where(triangle.diagonal() < 0, -1.0, 1.0)


def principal_plane(numbers: Numbers) -> Plane:
    """The first two principal components."""
    return torch.linalg.svd(numbers, full_matrices=False).Vh[:2].T


def angle_r_squared(coordinates: Float[Tensor, "number 2"]) -> Float[Tensor, "frequency"]:
    """How well the angle of number t is ±ω_k t plus a constant, for every frequency k.

    The share of the sum of squares of the unit vectors e^{iθ_t} that the best c·e^{±iω_k t}
    explains, |mean e^{i(θ_t ∓ ω_k t)}|², for the better direction of rotation. (R² of unwrapped
    angles would be near 1 for almost any plane: k full turns are far more variance than any error.)
    1 for a circle; for points without order about 1/p, but in a plane that was chosen by the
    frequency itself far more (``random_circle``).
    """
    p = len(coordinates)
    unit = torch.complex(coordinates[:, 0], coordinates[:, 1])
    unit = unit / unit.abs().clamp(min=torch.finfo(torch.float64).tiny)
    transform = torch.fft.fft(unit) / p  # at k: rotation with t, at p − k: against it
    k = torch.tensor(list(frequencies(p)))
    return torch.maximum(transform[k].abs(), transform[p - k].abs()).square()


def circle(numbers: Numbers, plane: Plane, frequency: int | None = None) -> Circle:
    """Measure the numbers in a plane, by default at the frequency that explains the angles best.

    All is nan where they have no extent in the plane, and for p/2, whose numbers lie at two points.
    """
    coordinates = numbers @ plane
    by_frequency = angle_r_squared(coordinates)
    k = int(by_frequency.argmax()) + 1 if frequency is None else frequency
    extent = coordinates.square().sum() / numbers.square().sum()
    if 2 * k == len(numbers) or not extent > NO_VARIANCE:
        return Circle(k, *[float("nan")] * 3, coordinates)
    radius = coordinates.norm(dim=1)
    radius_cv = float(radius.std(correction=0) / radius.mean())
    return Circle(k, radius_cv, float(by_frequency[k - 1]), float(extent), coordinates)


@cache
def random_circle(p: int, d_model: int, plane: str) -> float:
    """The null of a circle: mean ``angle_r_squared`` of normal random embeddings.

    ``plane`` is chosen as in a network: "key" by frequency 1 (any other is as good), "raw" by
    variance, measured at the frequency that fits best.
    """
    draw, total = generator("bootstrap", 0, 30), 0.0
    for _ in range(N_RANDOM):
        numbers = torch.randn(p, d_model, generator=draw, dtype=torch.float64)
        numbers = numbers - numbers.mean(dim=0)
        own = (key_plane(numbers, 1), 1) if plane == "key" else (principal_plane(numbers),)
        total += circle(numbers, *own).angle_r_squared
    return total / N_RANDOM


def embedding_rows(numbers: Numbers, keys: list[int]) -> tuple[list[dict], list[dict]]:
    """Rows of the tables ``circles`` and ``embedding``.

    ``embedding`` has kind "share" (index: the frequency), "singular_value" (index: from 1), and
    coordinates "key_x", "key_y", "raw_x", "raw_y" (index: the number), of the plane of each key and
    of the first two principal components; frequency 0 where none belongs.
    """
    series = {("share", 0): frequency_shares(numbers)}
    series["singular_value", 0] = torch.linalg.svdvals(numbers)
    planes = [("key", circle(numbers, key_plane(numbers, k), k)) for k in keys]
    planes.append(("raw", circle(numbers, principal_plane(numbers))))
    circles = []
    for plane, found in planes:
        x, y = found.coordinates.T
        series |= {(f"{plane}_x", found.frequency): x, (f"{plane}_y", found.frequency): y}
        null = {"angle_r_squared_random": random_circle(*numbers.shape, plane)}
        circles.append({"plane": plane} | vars(found) | null)
    embedding = [
        {"kind": kind, "frequency": frequency, "index": index, "value": value}
        for (kind, frequency), values in series.items()
        for index, value in enumerate(values.tolist(), start=0 if kind[-2:] in ("_x", "_y") else 1)
    ]
    return circles, embedding
