"""Laws of shifted prompts: against Monte Carlo on constructed weights, and against each other."""

import math

import pytest
import torch

from mechanics.models import regression
from mechanics.models.prompts import (
    Prompts,
    embed,
    random_subspaces,
    squared_errors,
)
from mechanics.models.shifted_prompts import Shift, base_draws, shifted_prompts
from mechanics.models.transformer import Architecture
from mechanics.regression.laws.risk import one_step_risk, preconditioned_risk
from mechanics.regression.laws.shift_laws import linear_layer_risk, mean_subspace_risk, shift_law
from mechanics.regression.laws.softmax_law import softmax_draws

D, K, N = 3, 6, 10_000
WHITE = (1.0,) * D
SHIFTS = [
    Shift("context_length", 2.0, 2, WHITE),
    Shift("input_scale", 1.5, K, (2.25,) * D),
    Shift("weight_scale", 2.0, K, WHITE, weight_scale=2.0),
    Shift("covariance", 1.0, K, (1.8, 0.9, 0.3)),
    Shift("noise", 2.0, K, WHITE, noise=2.0),
    Shift("noise", 2.0, K, (1.8, 0.9, 0.3), weight_scale=0.5, noise=0.7),  # all at once
]
NOISELESS = [shift for shift in SHIFTS if shift.noise == 0]
GAMMA = torch.tensor([[0.7, 0.2, 0.0], [-0.1, 0.5, 0.0], [0.0, 0.3, 0.9]]).double()
DRAWS = softmax_draws(D, K, 50_000, torch.Generator().manual_seed(0))


def layer(attention="linear", n_heads=1, d=D) -> Architecture:
    return Architecture(attention, 1, n_heads, d + 1, d + 1, 0, False, False)


def weights(network, W_QK, W_VO) -> dict[str, torch.Tensor]:
    """Heads with these merged weights [head token token]."""
    identity = torch.eye(network.d_model, dtype=torch.float64).expand_as(W_QK)
    named = {"Q": W_QK / network.score_scale, "K": identity, "V": identity, "O": W_VO}
    return {f"blocks.0.attn.W_{letter}": matrix[None] for letter, matrix in named.items()}


def step(gamma) -> dict[str, torch.Tensor]:
    """One layer that is one preconditioned step."""
    d = len(gamma)
    match, write = torch.zeros(2, 1, d + 1, d + 1, dtype=torch.float64)
    match[0, :d, :d], write[0, d, d] = gamma, -1
    return weights(layer(d=d), match, write)


def softmax(omegas, scales) -> tuple[dict[str, torch.Tensor], Architecture]:
    network = layer("softmax", len(omegas))
    match, write = torch.zeros(2, len(omegas), D + 1, D + 1, dtype=torch.float64)
    for head, (omega, scale) in enumerate(zip(omegas, scales, strict=True)):
        match[head, :D, :D] = omega * torch.eye(D)
        write[head, D, D] = -scale
    return weights(network, match, write), network


def errors(parameters, network, shift, bases=None) -> torch.Tensor:
    """Squared error of every prompt over E[y²]."""
    prompts = shifted_prompts(shift, base_draws([shift], N, 1), 1)
    own = Prompts(*(t.double() for t in (prompts.x, prompts.y, prompts.x_test, prompts.y_test)))
    own = embed(own, network.d_model - 1, bases)
    return squared_errors(regression.forward(parameters, own, network), own)[0] / shift.power


def assert_law(samples, expected) -> None:
    standard_error = samples.std() / len(samples) ** 0.5
    assert abs(samples.mean() - expected) < 4 * standard_error


@pytest.mark.parametrize("shift", SHIFTS)
def test_a_preconditioned_step_has_its_law(shift):
    law, name = shift_law(step(GAMMA), layer(), shift, "trained", DRAWS)
    assert name == "gradient step at Γ̂"
    assert_law(errors(step(GAMMA), layer(), shift), law)
    assert linear_layer_risk(step(GAMMA), layer(), shift) == pytest.approx(law, abs=1e-12)


@pytest.mark.parametrize("shift", SHIFTS)
def test_any_linear_layer_has_the_law_of_all_its_weights(shift):
    network = layer(n_heads=2)
    random = torch.randn(
        2, 2, D + 1, D + 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )
    parameters = weights(network, *(0.4 * random))
    measured = errors(parameters, network, shift)
    law, _ = shift_law(parameters, network, shift, "axis", DRAWS)
    assert_law(measured, law)
    neglected, _ = shift_law(parameters, network, shift, "trained", DRAWS)
    assert abs(neglected / law - 1) > 0.05  # so that the test would see a missing term


def test_law_of_unseen_coordinates_needs_only_the_first_block():
    shift = Shift("dimension", 2.0, K, (1.0, 1.0))
    law, _ = shift_law(step(GAMMA), layer(), shift, "axis", DRAWS)
    block = preconditioned_risk(GAMMA[:2, :2], torch.eye(2, dtype=torch.float64), K)
    assert law == pytest.approx(block, abs=1e-12)


def test_the_scale_of_w_leaves_a_step_its_risk():
    laws = [
        shift_law(step(GAMMA), layer(), Shift("", s, K, WHITE, s), "trained", DRAWS)[0]
        for s in (0.5, 1.0, 2.0)
    ]
    assert laws[0] == pytest.approx(laws[1], abs=1e-12)
    assert laws[2] == pytest.approx(laws[1], abs=1e-12)


def test_random_subspaces_have_their_law():
    shift = Shift("dimension", 2.0, K, (1.0, 1.0))
    bases = random_subspaces(N, 2, D, torch.Generator().manual_seed(0)).double()
    law, _ = shift_law(step(GAMMA), layer(), shift, "random", DRAWS)
    assert_law(errors(step(GAMMA), layer(), shift, bases), law)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_subspace_of_an_isotropic_step_is_a_step_in_its_dimension(d):
    isotropic = 0.6 * torch.eye(D, dtype=torch.float64)
    expected = one_step_risk(0.6, d, K)
    assert mean_subspace_risk(isotropic, d, K) == pytest.approx(expected, abs=1e-12)


def test_the_whole_space_is_its_own_subspace():
    identity = torch.eye(D, dtype=torch.float64)
    expected = preconditioned_risk(GAMMA, identity, K)
    assert mean_subspace_risk(GAMMA, D, K) == pytest.approx(expected, abs=1e-12)
    only = torch.tensor([[0.6]], dtype=torch.float64)
    assert mean_subspace_risk(only, 1, K) == pytest.approx(one_step_risk(0.6, 1, K), abs=1e-12)


def test_subspaces_larger_than_the_space_are_refused():
    with pytest.raises(ValueError, match="no subspace of 4"):
        mean_subspace_risk(GAMMA, 4, K)


@pytest.mark.parametrize("shift", NOISELESS)
@pytest.mark.parametrize(
    ("omegas", "scales"), [((0.4,), (1.3,)), ((-0.3, 0.3), (-1.1, 1.1)), ((0.3, -0.3), (-0.2, 0.2))]
)
def test_softmax_heads_have_their_law(omegas, scales, shift):
    parameters, network = softmax(omegas, scales)
    law, name = shift_law(parameters, network, shift, "trained", DRAWS)
    assert "softmax head" in name
    assert_law(errors(parameters, network, shift), law)


def test_what_has_no_law_gets_none():
    shift = NOISELESS[0]
    same_sign, two = softmax((0.3, 0.2), (1.0, -1.0))
    three, network = softmax((0.3, 0.2, -0.1), (1.0, -1.0, 1.0))
    deep = Architecture("linear", 2, 1, D + 1, D + 1, 0, False, False)
    for parameters, own in ((same_sign, two), (three, network), (step(GAMMA), deep)):
        law, name = shift_law(parameters, own, shift, "trained", DRAWS)
        assert math.isnan(law)
        assert name == ""
    head, one = softmax((0.3,), (1.0,))
    assert math.isnan(shift_law(head, one, SHIFTS[4], "trained", DRAWS)[0])
