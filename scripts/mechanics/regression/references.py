"""What the trained networks are judged against: levels of risk, and predictors with a name.

Nothing here is fitted to a network or to the held-out prompts: step sizes and bandwidths are the
best, by the laws in ``mechanics.algorithms``, for the mixture of context lengths that the networks
are trained on; or, where the name says "tuned at k", for the context length at hand, which is more
than a network with fixed step sizes could do. A predictor added to ``reference_predictors`` and
``KIND`` is compared with every network.
"""

from functools import cache, partial

from mechanics.models.prompts import Prompts
from mechanics.regression.algorithms.gradient_descent import (
    averaging,
    gd_plus_plus,
    gradient_descent,
    one_step,
)
from mechanics.regression.algorithms.kernel_smoother import (
    dot_product_smoother,
    gaussian_smoother,
    nearest_neighbours,
    two_head_smoother,
)
from mechanics.regression.algorithms.least_squares import ordinary_least_squares, ridge, zero
from mechanics.regression.algorithms.newton import newton
from mechanics.regression.laws import risk
from mechanics.regression.laws.depth import optimal_gd_plus_plus, optimal_step_sizes
from mechanics.regression.laws.softmax_law import optimal_softmax, softmax_draws
from mechanics.regression.laws.spectrum import expected_spectrum
from mechanics.regression.sensitivity import Answers, Predictor, answers, mirrored
from mechanics.runtime.seeds import generator

ONE_STEP, SMOOTHER, MULTI_STEP = "One-step Optimizer", "Kernel Smoother", "Multi-step / Algorithmic"
GD_DEPTHS, GD_PLUS_PLUS_DEPTHS, NEWTON_DEPTHS = (2, 3, 4, 5, 6), (2, 3), (3, 6)
N_NEIGHBOURS = 3
RIDGE_PENALTY = 1.0  # Bayes's for σ² = 1; without noise, as here, no penalty would be best
KIND = {  # how the assignment would call a network that is nearest to this predictor
    "zero": "Nothing learned",
    "averaging": ONE_STEP,
    "one-step GD": ONE_STEP,
    "one-step GD, tuned at k": ONE_STEP,
    "softmax kernel smoother": SMOOTHER,
    "two-head kernel smoother": SMOOTHER,
    "Gaussian kernel smoother": SMOOTHER,
    f"{N_NEIGHBOURS} nearest neighbours": SMOOTHER,
    **{f"{n}-step GD": MULTI_STEP for n in GD_DEPTHS},
    **{f"{n}-step GD, tuned at k": MULTI_STEP for n in GD_DEPTHS},
    **{f"{n}-step GD++": MULTI_STEP for n in GD_PLUS_PLUS_DEPTHS},
    **{f"{n}-step Newton": MULTI_STEP for n in NEWTON_DEPTHS},
    "ridge": MULTI_STEP,
    "OLS": MULTI_STEP,
}

MIRRORED = ("softmax kernel smoother", "Gaussian kernel smoother")  # not odd in x_test


def reference_risks(d: int, k: int) -> dict[str, float]:
    """Levels of normalised risk at one context length, by name."""
    return {
        "predict zero": 1.0,
        "one-step optimum r*": risk.one_step_risk(risk.optimal_step_size(d, [k]), d, k),
        "OLS": risk.least_squares_risk(d, k),
    }


def mixture_risk(d: int, k_min: int, k_max: int, k: int) -> float:
    """Risk at k of one gradient step whose size is the best for all trained lengths together."""
    step_size = risk.optimal_step_size(d, range(k_min, k_max + 1))
    return risk.one_step_risk(step_size, d, k)


def reference_predictors(d: int, k_min: int, k_max: int) -> dict[str, Predictor]:
    """The algorithms a network may have learned, each at its best for k uniform in the range."""
    lengths = range(k_min, k_max + 1)
    spectrum = expected_spectrum(d, lengths, 3 ** max(GD_PLUS_PLUS_DEPTHS) - 1)
    # replica 0 of this stream is the held-out prompts themselves
    draws = softmax_draws(d, k_max, 4096, generator("evaluation", replica=1))
    omega, scale = optimal_softmax(lengths, 1, draws)
    two_omega, two_scale = optimal_softmax(lengths, 2, draws)
    step_size = risk.optimal_step_size(d, lengths)
    steps = {n: optimal_step_sizes(n, spectrum) for n in GD_DEPTHS}
    plus_plus = {n: optimal_gd_plus_plus(n, spectrum) for n in GD_PLUS_PLUS_DEPTHS}
    return {
        "zero": zero,
        "averaging": averaging,
        "one-step GD": partial(one_step, step_size=step_size),
        "one-step GD, tuned at k": partial(_tuned_gradient_descent, n_steps=1),
        "softmax kernel smoother": partial(dot_product_smoother, omega=omega, scale=scale),
        "two-head kernel smoother": partial(two_head_smoother, omega=two_omega, scale=two_scale),
        # the bandwidth at which its kernel is the softmax head's but for the norm of x_i
        "Gaussian kernel smoother": partial(gaussian_smoother, bandwidth=omega**-0.5),
        f"{N_NEIGHBOURS} nearest neighbours": partial(_nearest, n_neighbours=N_NEIGHBOURS),
        **{f"{n}-step GD": partial(gradient_descent, step_sizes=steps[n]) for n in GD_DEPTHS},
        **{
            f"{n}-step GD, tuned at k": partial(_tuned_gradient_descent, n_steps=n)
            for n in GD_DEPTHS
        },
        **{
            f"{n}-step GD++": partial(gd_plus_plus, step_sizes=own[0], gammas=own[1])
            for n, own in plus_plus.items()
        },
        **{f"{n}-step Newton": partial(newton, n_steps=n) for n in NEWTON_DEPTHS},
        "ridge": partial(ridge, penalty=RIDGE_PENALTY),
        "OLS": ordinary_least_squares,
    }


def reference_answers(
    predictors: dict[str, Predictor], prompts: Prompts
) -> dict[str, list[Answers]]:
    """What every predictor says about these prompts, and its mirror image if it has another one."""
    return {
        name: [answers(own, prompts) for own in images(name, predictor)]
        for name, predictor in predictors.items()
    }


def images(name: str, predictor: Predictor) -> list[Predictor]:
    """The predictor, and its mirror image if that is another one."""
    return [predictor, mirrored(predictor)] if name in MIRRORED else [predictor]


@cache
def tuned_step_sizes(n_steps: int, d: int, k: int) -> tuple[float, ...]:
    """The step sizes that are best for this context length alone (``depth.optimal_step_sizes``)."""
    return tuple(optimal_step_sizes(n_steps, expected_spectrum(d, [k], 2 * n_steps + 2)))


def _tuned_gradient_descent(prompts: Prompts, n_steps: int):
    k, d = prompts.x.shape[-2:]
    return gradient_descent(prompts, tuned_step_sizes(n_steps, d, k))


def _nearest(prompts: Prompts, n_neighbours: int):
    return nearest_neighbours(prompts, min(n_neighbours, prompts.x.shape[-2]))
