"""What the trained networks are judged against: levels of risk, and predictors with a name.

Nothing here is fitted to a network or to the held-out prompts: step sizes and bandwidths are the
best, by the laws in ``mechanics.regression.laws``, for the mixture of context lengths that the
networks are trained on; or, where the name says "tuned at k", for the context length at hand, which
is more than a network with fixed step sizes could do. An algorithm with a name in
``reference_predictors`` is compared with every network; what ``kind_of`` does not know by its name
counts as an algorithm of several steps.
"""

from functools import cache, partial

from mechanics.models.prompts import Prompts
from mechanics.regression.algorithms import (
    Predictions,
    Predictor,
    dot_product_smoother,
    gaussian_smoother,
    gd_plus_plus,
    gradient_descent,
    nearest_neighbours,
    newton,
    ordinary_least_squares,
    ridge,
    two_head_smoother,
    zero,
)
from mechanics.regression.laws import risk
from mechanics.regression.laws.depth import optimal_gd_plus_plus, optimal_step_sizes
from mechanics.regression.laws.softmax_law import optimal_softmax, softmax_draws
from mechanics.regression.laws.spectrum import expected_spectrum
from mechanics.runtime.seeds import generator

ONE_STEP, SMOOTHER, MULTI_STEP = "One-step Optimizer", "Kernel Smoother", "Multi-step / Algorithmic"
GD_DEPTHS, GD_PLUS_PLUS_DEPTHS, NEWTON_DEPTHS = (2, 3, 4, 5, 6), (2, 3), (3, 6)
N_STARTS = 16  # of the search for GD++: a test holds that they find the best at the study's d and k
RIDGE_PENALTY = 1.0  # where nothing is noisy, and no penalty would be best; else it is σ², Bayes's
MIRRORED = ("softmax kernel smoother", "Gaussian kernel smoother")  # not odd in x_test


def kind_of(name: str) -> str:
    """How the assignment would call a network that is nearest to the algorithm of this name."""
    if name == "zero":
        return "Nothing learned"
    if name.endswith(("kernel smoother", "neighbours")):
        return SMOOTHER
    return ONE_STEP if name.startswith(("averaging", "one-step GD")) else MULTI_STEP


def mixture_risk(d: int, k_min: int, k_max: int, k: int, noise: float = 0.0) -> float:
    """Risk at k of one gradient step whose size is the best for all trained lengths together."""
    step_size = risk.optimal_step_size(d, range(k_min, k_max + 1), noise)
    return risk.one_step_risk(step_size, d, k, noise)


@cache
def tuned_step_sizes(n_steps: int, d: int, k: int, noise: float) -> tuple[float, ...]:
    """The step sizes that are best for this context length alone (``depth.optimal_step_sizes``)."""
    return tuple(optimal_step_sizes(n_steps, expected_spectrum(d, [k], 2 * n_steps + 2), noise))


def _tuned(prompts: Prompts, n_steps: int, noise: float) -> Predictions:
    k, d = prompts.x.shape[-2:]
    return gradient_descent(prompts, tuned_step_sizes(n_steps, d, k, noise))


@cache
def reference_predictors(
    d: int, k_min: int, k_max: int, noise: float = 0.0
) -> dict[str, Predictor]:
    """The algorithms a network may have learned, each at its best for k uniform in the range.

    That is for noise of variance ``noise`` in y, but smoothers and GD++ are the best without noise.
    """
    lengths = range(k_min, k_max + 1)
    spectrum = expected_spectrum(d, lengths, 3 ** max(GD_PLUS_PLUS_DEPTHS) - 1)
    # replica 0 of this stream is the held-out prompts themselves
    draws = softmax_draws(d, k_max, 4096, generator("evaluation", replica=1))
    (omega, scale), of_two = (optimal_softmax(lengths, n_heads, draws) for n_heads in (1, 2))
    steps = {1: [risk.optimal_step_size(d, lengths, noise)]}
    steps |= {n: optimal_step_sizes(n, spectrum, noise) for n in GD_DEPTHS}
    tuned = {n: partial(_tuned, n_steps=n, noise=noise) for n in (1, *GD_DEPTHS)}
    descent = {n: partial(gradient_descent, step_sizes=own) for n, own in steps.items()}
    plus_plus = {n: optimal_gd_plus_plus(n, spectrum, N_STARTS) for n in GD_PLUS_PLUS_DEPTHS}
    return {
        "zero": zero,
        "averaging": partial(gradient_descent, step_sizes=[1.0]),
        "one-step GD": descent[1],
        "one-step GD, tuned at k": tuned[1],
        "softmax kernel smoother": partial(dot_product_smoother, omega=omega, scale=scale),
        "two-head kernel smoother": partial(two_head_smoother, omega=of_two[0], scale=of_two[1]),
        # its kernel is the softmax head's but for the norm of x_i
        "Gaussian kernel smoother": partial(gaussian_smoother, bandwidth=omega**-0.5),
        "3 nearest neighbours": partial(nearest_neighbours, n_neighbours=3),
        **{f"{n}-step GD": descent[n] for n in GD_DEPTHS},
        **{f"{n}-step GD, tuned at k": tuned[n] for n in GD_DEPTHS},
        **{
            f"{n}-step GD++": partial(gd_plus_plus, step_sizes=own, gammas=gammas)
            for n, (own, gammas) in plus_plus.items()
        },
        **{f"{n}-step Newton": partial(newton, n_steps=n) for n in NEWTON_DEPTHS},
        "ridge": partial(ridge, penalty=noise or RIDGE_PENALTY),
        "OLS": ordinary_least_squares,
    }


def references_for(settings: dict) -> dict[str, Predictor]:
    """``reference_predictors`` of a run."""
    own = [settings[key] for key in ("d", "k_min", "k_max")]
    return reference_predictors(*own, settings.get("noise", 0.0))
