"""Prompts in float64, and the comparison of a measured risk with a law."""

import torch

from mechanics.models.prompts import Prompts, squared_errors


def draw_prompts(d, k, n_prompts=1, n_queries=1, covariance=None, noise=0.0, seed=0) -> Prompts:
    """x ~ N(0, Λ), w ~ N(0, I), y = wᵀx, and in the context noise of variance σ²."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(1, n_prompts, *shape, dtype=torch.float64, generator=generator)

    w, x, x_test = normal(d, 1), normal(k, d), normal(n_queries, d)
    if covariance is not None:
        factor = torch.linalg.cholesky(covariance).T
        x, x_test = x @ factor, x_test @ factor
    y = (x @ w)[..., 0] + noise**0.5 * normal(k)
    return Prompts(x, y, x_test, (x_test @ w)[..., 0])


def assert_within_error(samples: torch.Tensor, expected: float) -> None:
    """The mean of independent samples is within 4 standard errors of what is expected."""
    error = samples.std() / samples.numel() ** 0.5
    deviation = (samples.mean() - expected) / error
    assert abs(deviation) < 4, f"{samples.mean():.5f} ± {error:.5f} instead of {expected:.5f}"


def assert_risk(predictions: torch.Tensor, prompts: Prompts, expected: float, power=None) -> None:
    """The risk of predictions agrees with a law; ``power`` is E[y²], d unless stated."""
    power = prompts.x.shape[-1] if power is None else power
    assert_within_error(squared_errors(predictions, prompts).flatten() / power, expected)
