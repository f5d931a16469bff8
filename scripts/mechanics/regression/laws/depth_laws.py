"""The bracket of depth at one context length: risks that L layers could have, by name.

tied GD ≥ free GD ≥ free GD tuned at k ≥ polynomial floor ≥ least squares holds by construction.
The mixture floor lies between free GD and the polynomial floor in its mean over k, at one k it need
not.
"""

import math
from dataclasses import asdict, dataclass
from functools import cache

from mechanics.regression.laws import depth
from mechanics.regression.laws.risk import least_squares_risk
from mechanics.regression.laws.spectrum import Spectrum, density_spectrum, expected_spectrum
from mechanics.regression.references import GD_PLUS_PLUS_DEPTHS, RIDGE_PENALTY
from mechanics.runtime.seeds import generator

EXACT_DEGREE = 26  # beyond it exact moments take minutes, and the density of eigenvalues serves
N_MATRICES = 16000


@dataclass(frozen=True)
class Bracket:
    """Risks at one k. ``gd_tied``, ``gd_free`` and ``gd_plus_plus`` have the step sizes that are
    best for all trained k together, ``gd_free_at_k`` those that are best at this k.

    ``gd_plus_plus`` is the best found, a local optimum and no bound; nan for a depth at which it
    is not sought. ``polynomial_floor`` is the best polynomial of degree (3^L − 1)/2 at this k,
    ``mixture_floor`` the one that is best for all trained k together, which a network with one set
    of weights cannot pass in its mean over k; nan where exact moments would take minutes.
    """

    gd_tied: float
    gd_free: float
    gd_free_at_k: float
    gd_plus_plus: float
    mixture_floor: float
    polynomial_floor: float
    ridge: float
    ols: float


def bracket(
    n_layers: int, d: int, k_min: int, k_max: int, k: int, zero_tokens: int = 0
) -> dict[str, float]:
    """The bracket of ``n_layers`` = L layers trained on k uniform in k_min … k_max, at one k.

    ``zero_tokens`` are those of the network: what is best for a mixture of k depends on them.
    """
    trained = d, k_min, k_max, zero_tokens
    tied, free = _step_sizes(n_layers, *trained)
    here = expected_spectrum(d, [k], 2 * n_layers + 2, zero_tokens)
    plus_plus, gd_plus_plus = _gd_plus_plus(n_layers, *trained), math.nan
    if plus_plus is not None:
        own = expected_spectrum(d, [k], 3**n_layers - 1, zero_tokens)
        gd_plus_plus = depth.gd_plus_plus_risk(*plus_plus, own)
    degree, mixture_floor = (3**n_layers - 1) // 2, math.nan
    exact = 2 * degree <= EXACT_DEGREE
    spectrum = expected_spectrum(d, [k], 2 * degree + 2, zero_tokens) if exact else _density(d, k)
    if exact:
        roots = _mixture_polynomial(degree, *trained)
        mixture_floor = depth.gradient_descent_risk(roots, spectrum)
    return asdict(
        Bracket(
            gd_tied=depth.gradient_descent_risk([tied] * n_layers, here),
            gd_free=depth.gradient_descent_risk(free, here),
            gd_free_at_k=depth.polynomial_floor(n_layers, here),
            gd_plus_plus=gd_plus_plus,
            mixture_floor=mixture_floor,
            polynomial_floor=depth.polynomial_floor(degree, spectrum),
            ridge=depth.ridge_risk(RIDGE_PENALTY, k, _density(d, k)),
            ols=least_squares_risk(d, k),
        )
    )


@cache
def _step_sizes(
    n_layers: int, d: int, k_min: int, k_max: int, zero_tokens: int
) -> tuple[float, list[float]]:
    """The tied step size and the free ones that are best for the mixture of context lengths."""
    mixture = expected_spectrum(d, range(k_min, k_max + 1), 2 * n_layers + 2, zero_tokens)
    return (
        depth.optimal_tied_step_size(n_layers, mixture),
        depth.optimal_step_sizes(n_layers, mixture),
    )


@cache
def _mixture_polynomial(
    degree: int, d: int, k_min: int, k_max: int, zero_tokens: int
) -> list[float]:
    """The best polynomial for the mixture, as the step sizes of so many steps: 1/roots."""
    lengths = range(k_min, k_max + 1)
    mixture = expected_spectrum(d, lengths, 2 * degree + 2, zero_tokens)
    return depth.optimal_step_sizes(degree, mixture)


@cache
def _gd_plus_plus(n_layers: int, d: int, k_min: int, k_max: int, zero_tokens: int):
    """The best GD++ for the mixture, where its degree allows exact moments; else None."""
    if n_layers > max(GD_PLUS_PLUS_DEPTHS):
        return None
    mixture = expected_spectrum(d, range(k_min, k_max + 1), 3**n_layers - 1, zero_tokens)
    return depth.optimal_gd_plus_plus(n_layers, mixture)


@cache
def _density(d: int, k: int) -> Spectrum:
    return density_spectrum(d, [k], N_MATRICES, generator("evaluation", replica=4, step=k))
