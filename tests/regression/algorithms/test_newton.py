"""Newton's iteration ends at least squares, at the speed of its polynomial."""

import pytest
import torch
from monte_carlo import draw_prompts

from mechanics.regression.algorithms.least_squares import ordinary_least_squares
from mechanics.regression.algorithms.newton import newton


@pytest.mark.parametrize(("d", "k"), [(4, 20), (4, 3), (1, 1)])
def test_newton_converges_to_least_squares(d, k):
    prompts = draw_prompts(d, k, n_prompts=10)
    expected = ordinary_least_squares(prompts)
    torch.testing.assert_close(newton(prompts, 25), expected, atol=1e-8, rtol=1e-8)


@pytest.mark.parametrize("n_steps", [0, 1, 3])
def test_each_step_squares_the_residual(n_steps):
    prompts = draw_prompts(3, 8)
    eigenvalues, vectors = torch.linalg.eigh(prompts.x[0, 0].T @ prompts.x[0, 0] / 8)
    learnt = 1 - (1 - eigenvalues**2 / eigenvalues.max() ** 2) ** (2**n_steps)
    w = torch.linalg.lstsq(prompts.x[0, 0], prompts.y[0, 0]).solution
    expected = prompts.x_test[0, 0] @ vectors @ (learnt * (vectors.T @ w))
    torch.testing.assert_close(newton(prompts, n_steps)[0, 0], expected, atol=1e-12, rtol=1e-12)


def test_a_negative_number_of_steps_is_refused():
    with pytest.raises(ValueError, match="at least 0 steps"):
        newton(draw_prompts(2, 3), -1)
