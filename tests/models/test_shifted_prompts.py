"""Each shift changes what it says, and nothing else."""

import pytest
import torch
from helpers import regression_settings

from mechanics.models.shifted_prompts import (
    base_draws,
    power_law_eigenvalues,
    shifted_prompts,
    shifted_subspaces,
    shifts,
)

SETTINGS = regression_settings(d=3, d_max=6)
NAMES = ("context_length", "input_scale", "weight_scale", "covariance", "noise", "dimension")


def of_name(name, settings=SETTINGS):
    return [shift for shift in shifts(settings) if shift.name == name]


def drawn(name, n_prompts=4, n_queries=2):
    own = of_name(name)
    base = base_draws(own, n_prompts, n_queries)
    return [(shift, shifted_prompts(shift, base, n_queries)) for shift in own]


def test_values_of_the_study():
    settings = regression_settings(d=10, d_max=20, k_min=5, k_max=50, measured_at=[5, 50, 60])
    lengths = [shift.k for shift in of_name("context_length", settings)]
    assert lengths == [5, 10, 20, 50, 75, 100, 150, 200]
    dimensions = [(shift.k, shift.d) for shift in of_name("dimension", settings)]
    assert dimensions == [(k, d) for k in (5, 50) for d in (5, 10, 12, 15, 20)]
    others = [s for s in shifts(settings) if s.name not in ("context_length", "dimension")]
    assert {(shift.k, shift.d) for shift in others} == {(50, 10)}


@pytest.mark.parametrize("name", NAMES)
def test_one_w_explains_context_and_test_points_of_known_power(name):
    for shift, prompts in drawn(name, n_prompts=4000, n_queries=1):
        squares = prompts.y_test.flatten() ** 2 / shift.power  # the error of predicting zero
        assert abs(squares.mean() - 1) < 4 * squares.std() / len(squares) ** 0.5
        if shift.noise == 0 and shift.k >= shift.d:
            few = prompts.part(slice(4)).double()
            w = torch.linalg.lstsq(few.x, few.y[..., None]).solution
            torch.testing.assert_close((few.x_test @ w)[..., 0], few.y_test, atol=1e-3, rtol=1e-3)


def test_eigenvalues_are_a_power_law_of_trace_d():
    assert power_law_eigenvalues(2, 1.0) == pytest.approx((4 / 3, 2 / 3))
    assert power_law_eigenvalues(1, 2.0) == (1.0,)


def test_a_shorter_context_is_the_beginning_of_a_longer_one():
    found = drawn("context_length")
    longest = found[-1][1]
    for shift, prompts in found:
        assert torch.equal(prompts.x, longest.x[:, :, : shift.k])
        assert torch.equal(prompts.y_test, longest.y_test)


def test_every_shift_has_prompts_of_its_own():
    unshifted = [
        next(p for s, p in drawn(name) if s.value == value)
        for name, value in (("input_scale", 1.0), ("weight_scale", 1.0), ("noise", 0.0))
    ]
    for i in range(3):
        assert not torch.isclose(unshifted[i].x, unshifted[i - 1].x).any()
    with pytest.raises(ValueError, match="one shift"):
        base_draws(shifts(SETTINGS), 2, 1)


def test_one_dimension_and_contexts_shorter_than_d_are_possible():
    smallest = regression_settings(d=1, d_max=2, k_min=1, k_max=1, measured_at=[1])
    found = shifts(smallest)
    assert {shift.d for shift in found} == {1, 2}
    assert min(shift.k for shift in found) == 1
    for shift in found:
        prompts = shifted_prompts(shift, base_draws([shift], 2, 1), 1)
        assert prompts.x.shape == (1, 2, shift.k, shift.d)


def test_subspaces_are_the_same_for_every_network():
    assert torch.equal(shifted_subspaces(2, 5, 3), shifted_subspaces(2, 5, 3))
