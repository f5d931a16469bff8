"""The random matrix behind every risk law: S = XᵀX/k with x ~ N(0, I_d), k·S a Wishart matrix."""

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from math import factorial, prod

import torch
from jaxtyping import Float
from scipy.special import eval_genlaguerre
from torch import Tensor


def wishart_moment(order: int, d: int, k: int) -> Fraction:
    """E tr S^order / d, exact at any order.

    The power sum tr Wⁿ is a sum of zonal polynomials, whose expectations are products over the
    boxes of a partition (Hanlon, Stanley & Stembridge 1992; Macdonald 1995, chapter VII).

    Raises ValueError for d < 1, k < 1 or a negative order.
    """
    if d < 1 or k < 1 or order < 0:
        raise ValueError(f"no moment of order {order} for d = {d}, k = {k}")
    if order == 0:
        return Fraction(1)
    total = sum(
        coefficient * prod((d + content) * (k + content) for content in contents)
        for coefficient, contents in _zonal_expansion(order)
    )
    return Fraction(total) / (d * k**order)


@cache
def _zonal_expansion(order: int) -> list[tuple[Fraction, list[int]]]:
    """tr Wⁿ in zonal polynomials: a coefficient and the boxes' contents 2j − i per partition."""
    terms = []
    for rows in _partitions(order):
        columns = [sum(row > j for row in rows) for j in range(rows[0])]
        boxes = [(i, j) for i, row in enumerate(rows) for j in range(row)]
        contents = [2 * j - i for i, j in boxes]
        hooks = [2 * (rows[i] - 1 - j) + columns[j] - 1 - i for i, j in boxes]  # 2·arm + leg
        norm = prod((hook + 1) * (hook + 2) for hook in hooks)
        terms.append((Fraction(2 * order * prod(contents[1:]), norm), contents))
    return terms


def _partitions(n: int) -> Iterator[list[int]]:
    """Partitions (a, b, 1, …, 1) of n; all others contain a box of content 0 and add nothing."""
    yield [n]
    for first in range(1, n):
        for second in range(1, min(first, n - first) + 1):
            yield [first, second] + [1] * (n - first - second)


def log_eigenvalue_density(
    eigenvalues: Float[Tensor, " node"], n: int, p: int, n_matrices: int, generator: torch.Generator
) -> Float[Tensor, " node"]:
    """Log density, up to a constant, of an eigenvalue x > 0 of a p × p Wishart matrix, n ≥ p.

    Integrating the joint density (Muirhead 1982, theorem 3.2.18) over all eigenvalues but one
    leaves x^((n−p−1)/2) e^(−x/2) · E|det(xI − W)| with W of size p − 1 and n − 1 degrees of
    freedom. The expectation is the mean over ``n_matrices`` draws. Unlike a histogram of
    eigenvalues it errs by the same few per cent everywhere, where eigenvalues are rare too.

    Raises ValueError if the draws are so few that the estimate is not positive everywhere.
    """
    singular = torch.linalg.svdvals(
        torch.randn(n_matrices, n - 1, p - 1, dtype=torch.float64, generator=generator)
    )
    determinants = torch.ones(n_matrices, len(eigenvalues), dtype=torch.float64)
    for other in singular.unbind(dim=-1):
        determinants *= eigenvalues - other[:, None] ** 2
    sizes = determinants.abs()
    # Control variate: the mean of the signed determinant is known, a Laguerre polynomial, and
    # near 0, where few draws matter most, it is the expectation itself but for the sign.
    laguerre = torch.from_numpy(eval_genlaguerre(p - 1, n - p, eigenvalues.numpy()))
    mean = (-1) ** (p - 1) * factorial(p - 1) * laguerre
    centred = determinants - determinants.mean(dim=0)
    slope = (centred * sizes).sum(dim=0) / centred.square().sum(dim=0).clamp_min(1e-300)
    expected = sizes.mean(dim=0) - slope * (determinants.mean(dim=0) - mean)
    if not (expected > 0).all():
        raise ValueError(f"{n_matrices} matrices are too few for a density of order {p}")
    return (n - p - 1) / 2 * eigenvalues.log() - eigenvalues / 2 + expected.log()
