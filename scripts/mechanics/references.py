"""What the trained networks are judged against: levels of risk, and predictors with a name.

Nothing here is fitted to a network or to the held-out prompts: step sizes and bandwidths are the
best for the mixture of context lengths that the networks are trained on, by the laws in
``mechanics.algorithms``. A predictor added to ``reference_predictors`` and ``KIND`` is compared
with every network.
"""

from collections.abc import Callable
from functools import partial

from jaxtyping import Float
from torch import Tensor

from mechanics.algorithms import risk
from mechanics.algorithms.depth import optimal_step_sizes
from mechanics.algorithms.gradient_descent import gradient_descent, one_step
from mechanics.algorithms.kernel_smoother import dot_product_smoother
from mechanics.algorithms.least_squares import ordinary_least_squares, zero
from mechanics.algorithms.newton import newton
from mechanics.algorithms.softmax_law import optimal_softmax, softmax_draws
from mechanics.algorithms.spectrum import expected_spectrum
from mechanics.seeds import generator
from mechanics.tasks.linear_regression import Prompts

Predictor = Callable[[Prompts], Float[Tensor, "seed prompt query"]]

ONE_STEP, SMOOTHER, MULTI_STEP = "One-step Optimizer", "Kernel Smoother", "Multi-step / Algorithmic"
GD_DEPTHS = (2, 3, 6)
KIND = {  # how the assignment would call a network that is nearest to this predictor
    "zero": "Nothing learned",
    "one-step GD": ONE_STEP,
    "softmax kernel smoother": SMOOTHER,
    **{f"{n}-step GD": MULTI_STEP for n in GD_DEPTHS},
    "3-step Newton": MULTI_STEP,
    "OLS": MULTI_STEP,
}


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
    spectrum = expected_spectrum(d, lengths, 2 * max(GD_DEPTHS))
    # replica 0 of this stream is the held-out prompts themselves
    draws = softmax_draws(d, k_max, 4096, generator("evaluation", replica=1))
    omega, scale = optimal_softmax(lengths, 1, draws)
    step_size = risk.optimal_step_size(d, lengths)
    return {
        "zero": zero,
        "one-step GD": partial(one_step, step_size=step_size),
        "softmax kernel smoother": partial(dot_product_smoother, omega=omega, scale=scale),
        **{
            f"{n}-step GD": partial(gradient_descent, step_sizes=optimal_step_sizes(n, spectrum))
            for n in GD_DEPTHS
        },
        "3-step Newton": partial(newton, n_steps=3),
        "OLS": ordinary_least_squares,
    }
