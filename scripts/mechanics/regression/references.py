"""What the trained networks are judged against: levels of risk, and predictors with a name.

Nothing here is fitted to a network or to the held-out prompts: step sizes and bandwidths are the
best, by the laws in ``mechanics.regression.laws``, for the mixture of context lengths that the
networks are trained on; or, where the name says "tuned at k", for the context length at hand, which
is more than a network with fixed step sizes could do. An algorithm with a line in ``REFERENCES`` is
compared with every network.
"""

from collections.abc import Callable
from functools import cache, cached_property, partial

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
from mechanics.regression.laws.softmax_law import SoftmaxDraws, optimal_softmax, softmax_draws
from mechanics.regression.laws.spectrum import Spectrum, expected_spectrum
from mechanics.regression.sensitivity import Answers, Predictor, answers, mirrored
from mechanics.runtime.seeds import generator

ONE_STEP, SMOOTHER, MULTI_STEP = "One-step Optimizer", "Kernel Smoother", "Multi-step / Algorithmic"
GD_DEPTHS, GD_PLUS_PLUS_DEPTHS, NEWTON_DEPTHS = (2, 3, 4, 5, 6), (2, 3), (3, 6)
N_NEIGHBOURS = 3
RIDGE_PENALTY = 1.0  # where nothing is noisy, and no penalty would be best; else it is σ², Bayes's
MIRRORED = ("softmax kernel smoother", "Gaussian kernel smoother")  # not odd in x_test


def reference_risks(d: int, k: int, noise: float = 0.0) -> dict[str, float]:
    """Levels of normalised risk at one context length, by name."""
    return {
        "predict zero": 1.0,
        "one-step optimum r*": 1 - risk.optimal_step_size(d, [k], noise),
        "OLS": risk.least_squares_risk(d, k, noise),
    }


def mixture_risk(d: int, k_min: int, k_max: int, k: int, noise: float = 0.0) -> float:
    """Risk at k of one gradient step whose size is the best for all trained lengths together."""
    step_size = risk.optimal_step_size(d, range(k_min, k_max + 1), noise)
    return risk.one_step_risk(step_size, d, k, noise)


@cache
def tuned_step_sizes(n_steps: int, d: int, k: int, noise: float) -> tuple[float, ...]:
    """The step sizes that are best for this context length alone (``depth.optimal_step_sizes``)."""
    return tuple(optimal_step_sizes(n_steps, expected_spectrum(d, [k], 2 * n_steps + 2), noise))


def _tuned_gradient_descent(prompts: Prompts, n_steps: int, noise: float):
    k, d = prompts.x.shape[-2:]
    return gradient_descent(prompts, tuned_step_sizes(n_steps, d, k, noise))


def _nearest(prompts: Prompts):
    return nearest_neighbours(prompts, min(N_NEIGHBOURS, prompts.x.shape[-2]))


class Best:
    """What is best for contexts of k_min … k_max pairs, computed when it is asked for.

    For noise of variance ``noise`` in y, but smoothers and GD++ are the best without noise.
    """

    def __init__(self, d: int, k_min: int, k_max: int, noise: float = 0.0) -> None:
        self.d, self.lengths, self.noise = d, range(k_min, k_max + 1), noise

    @cached_property
    def spectrum(self) -> Spectrum:
        return expected_spectrum(self.d, self.lengths, 3 ** max(GD_PLUS_PLUS_DEPTHS) - 1)

    @cached_property
    def step_size(self) -> float:
        return risk.optimal_step_size(self.d, self.lengths, self.noise)

    @cached_property
    def draws(self) -> SoftmaxDraws:
        # replica 0 of this stream is the held-out prompts themselves
        return softmax_draws(self.d, self.lengths[-1], 4096, generator("evaluation", replica=1))

    @cached_property
    def one_head(self) -> tuple[float, float]:
        """ω and μ."""
        return optimal_softmax(self.lengths, 1, self.draws)

    @cached_property
    def two_heads(self) -> tuple[float, float]:
        return optimal_softmax(self.lengths, 2, self.draws)


def _plus_plus(best: Best, n: int) -> Predictor:
    step_sizes, gammas = optimal_gd_plus_plus(n, best.spectrum)
    return partial(gd_plus_plus, step_sizes=step_sizes, gammas=gammas)


def _steps(best: Best, n: int) -> Predictor:
    steps = optimal_step_sizes(n, best.spectrum, best.noise)
    return partial(gradient_descent, step_sizes=steps)


def _tuned(best: Best, n: int) -> Predictor:
    return partial(_tuned_gradient_descent, n_steps=n, noise=best.noise)


def _smoother(best: Best) -> Predictor:
    omega, scale = best.one_head
    return partial(dot_product_smoother, omega=omega, scale=scale)


def _two_heads(best: Best) -> Predictor:
    omega, scale = best.two_heads
    return partial(two_head_smoother, omega=omega, scale=scale)


def _gaussian(best: Best) -> Predictor:
    """Its kernel is the softmax head's but for the norm of x_i."""
    return partial(gaussian_smoother, bandwidth=best.one_head[0] ** -0.5)


# name: how the assignment would call a network that is nearest to it, and the predictor, each at
# its best for k uniform in the range
REFERENCES: dict[str, tuple[str, Callable[[Best], Predictor]]] = {
    "zero": ("Nothing learned", lambda best: zero),
    "averaging": (ONE_STEP, lambda best: averaging),
    "one-step GD": (ONE_STEP, lambda best: partial(one_step, step_size=best.step_size)),
    "one-step GD, tuned at k": (ONE_STEP, partial(_tuned, n=1)),
    "softmax kernel smoother": (SMOOTHER, _smoother),
    "two-head kernel smoother": (SMOOTHER, _two_heads),
    "Gaussian kernel smoother": (SMOOTHER, _gaussian),
    f"{N_NEIGHBOURS} nearest neighbours": (SMOOTHER, lambda best: _nearest),
    **{f"{n}-step GD": (MULTI_STEP, partial(_steps, n=n)) for n in GD_DEPTHS},
    **{f"{n}-step GD, tuned at k": (MULTI_STEP, partial(_tuned, n=n)) for n in GD_DEPTHS},
    **{f"{n}-step GD++": (MULTI_STEP, partial(_plus_plus, n=n)) for n in GD_PLUS_PLUS_DEPTHS},
    **{
        f"{n}-step Newton": (MULTI_STEP, lambda best, n=n: partial(newton, n_steps=n))
        for n in NEWTON_DEPTHS
    },
    "ridge": (MULTI_STEP, lambda best: partial(ridge, penalty=best.noise or RIDGE_PENALTY)),
    "OLS": (MULTI_STEP, lambda best: ordinary_least_squares),
}
KIND = {name: kind for name, (kind, _) in REFERENCES.items()}


@cache
def reference_predictors(
    d: int, k_min: int, k_max: int, noise: float = 0.0
) -> dict[str, Predictor]:
    """The algorithms a network may have learned, each at its best for k uniform in the range."""
    best = Best(d, k_min, k_max, noise)
    return {name: make(best) for name, (_, make) in REFERENCES.items()}


def references_for(settings: dict) -> dict[str, Predictor]:
    """``reference_predictors`` of a run."""
    own = [settings[key] for key in ("d", "k_min", "k_max")]
    return reference_predictors(*own, settings.get("noise", 0.0))


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
