"""The bracket of depth at one context length: risks that L layers could have, by name.

free GD ≥ free GD tuned at k ≥ polynomial floor ≥ least squares holds by construction. Tied GD lies
above free GD, and the mixture floor between it and the polynomial floor, in their means over k: at
one k they need not.
"""

import math
from functools import cache

from mechanics.regression.laws import depth
from mechanics.regression.laws.risk import least_squares_risk
from mechanics.regression.laws.spectrum import (
    LARGEST_ORDER,
    Spectrum,
    density_spectrum,
    expected_spectrum,
    mixed,
)
from mechanics.regression.references import RIDGE_PENALTY
from mechanics.runtime.seeds import generator

EXACT_DEGREE = 26  # beyond it exact moments take minutes, and the density of eigenvalues serves
RESOLVED_DEGREE = 364  # of six layers: the grid of the density resolves no more
N_MATRICES = 16000
N_MATRICES_OF_MANY = 1000  # of each of many k, whose errors average out
# The mean of a polynomial of degree 728 hangs on eigenvalues that no one will draw: without this
# share of them the rest of GD++ counts.
TAIL = 1e-6


def bracket(
    n_layers: int, d: int, k_min: int, k_max: int, k: int, zero_tokens: int = 0, noise: float = 0.0
) -> dict[str, float]:
    """The risks of ``n_layers`` = L layers trained on k uniform in k_min … k_max, at one k.

    ``tables/columns.toml`` says what each is. ``zero_tokens`` are those of the network: what is
    best for a mixture of k depends on them. ``mixture_floor`` is nan at a k that is not trained,
    and with noise, as ``gd_plus_plus`` is.

    Where exact moments would take minutes the floors count prompts that no one will draw, as the
    exact mean does: on drawn prompts a network may pass them, and so may ``gd_plus_plus``, which
    there leaves out the largest eigenvalues (``TAIL``). What the density of eigenvalues does not
    resolve, more than six layers or d and k that are both large, is nan.
    """
    tied, free, steps, floors = _best(n_layers, d, k_min, k_max, zero_tokens, noise)
    here = expected_spectrum(d, [k], 2 * n_layers + 2, zero_tokens)
    degree = (3**n_layers - 1) // 2
    floor, ridge, plus_plus = math.nan, math.nan, math.nan
    if _is_resolved(degree, d, k):
        spectrum = _spectrum(degree, d, k, zero_tokens, N_MATRICES)
        floor = depth.polynomial_floor(degree, spectrum, noise)
        if steps:
            plus_plus = depth.gd_plus_plus_risk(*steps, _without_tail(degree, d, k, zero_tokens))
    if min(d, k) <= LARGEST_ORDER:
        density = _density(d, k, 0, N_MATRICES)
        ridge = depth.ridge_risk(noise or RIDGE_PENALTY, k, density, noise)
    return {
        "gd_tied": depth.gradient_descent_risk([tied] * n_layers, here, noise),
        "gd_free": depth.gradient_descent_risk(free, here, noise),
        "gd_free_at_k": depth.polynomial_floor(n_layers, here, noise),
        "gd_plus_plus": plus_plus,
        "mixture_floor": floors.get(k, math.nan),
        "polynomial_floor": floor,
        "ridge": ridge,
        "ols": least_squares_risk(d, k, noise),
    }


@cache
def _best(n_layers: int, d: int, k_min: int, k_max: int, zero_tokens: int, noise: float):
    """What is best for the mixture of context lengths: the tied step size, the free ones, the steps
    and γ of the best GD++ found, and by k the risk of the best polynomial. No steps of GD++ and no
    risks with noise, or of polynomials that are not resolved.
    """
    lengths, degree = range(k_min, k_max + 1), (3**n_layers - 1) // 2
    mixture = expected_spectrum(d, lengths, 2 * n_layers + 2, zero_tokens)
    tied = depth.optimal_tied_step_size(n_layers, mixture, noise)
    free = depth.optimal_step_sizes(n_layers, mixture, noise)
    if noise or not _is_resolved(degree, d, k_max):
        return tied, free, None, {}
    spectra = [_spectrum(degree, d, k, zero_tokens, N_MATRICES_OF_MANY) for k in lengths]
    drawn = mixed([_without_tail(degree, d, k, zero_tokens) for k in lengths])
    floors = dict(zip(lengths, depth.mixture_floors(degree, spectra), strict=True))
    return tied, free, depth.optimal_gd_plus_plus(n_layers, drawn), floors


def _is_resolved(degree: int, d: int, k: int) -> bool:
    """Whether ``_spectrum`` has means of such polynomials at this k and all below it."""
    by_density = degree <= RESOLVED_DEGREE and min(d, k) <= LARGEST_ORDER
    return 2 * degree <= EXACT_DEGREE or by_density


def _without_tail(degree: int, d: int, k: int, zero_tokens: int) -> Spectrum:
    """All of an exact spectrum; of a density what is not too rare to be drawn."""
    spectrum = _spectrum(degree, d, k, zero_tokens, N_MATRICES_OF_MANY)
    return spectrum if 2 * degree <= EXACT_DEGREE else spectrum.without_tail(TAIL)


def _spectrum(degree: int, d: int, k: int, zero_tokens: int, n_matrices: int) -> Spectrum:
    """A spectrum of one k for the squares of polynomials of this degree."""
    if 2 * degree <= EXACT_DEGREE:
        return expected_spectrum(d, [k], 2 * degree + 2, zero_tokens)
    return _density(d, k, zero_tokens, n_matrices)


@cache
def _density(d: int, k: int, zero_tokens: int, n_matrices: int) -> Spectrum:
    draw = generator("evaluation", replica=4, step=k)
    return density_spectrum(d, k, n_matrices, draw, zero_tokens)
