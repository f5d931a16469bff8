"""Laws of shifted prompts: against Monte Carlo on constructed weights, and against each other."""

import math

import pytest
import torch
from gradient_steps import merged_heads, merged_step, smoothing_heads, token_layers
from monte_carlo import assert_within_error

from mechanics.models import regression
from mechanics.models.prompts import embed, random_subspaces, squared_errors
from mechanics.models.shifted_prompts import Shift, base_draws, shifted_prompts
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


STEP = merged_heads(*merged_step(GAMMA))


def law_of(shift, arm: str, weights: dict = STEP, network=None) -> tuple[float, str]:
    return shift_law(weights, network or token_layers(), shift, arm, DRAWS)


def errors(parameters, network, shift, bases=None) -> torch.Tensor:
    """Squared error of every prompt over E[y²]."""
    own = shifted_prompts(shift, base_draws([shift], N, 1), 1).double()
    own = embed(own, network.d_model - 1, bases)
    return squared_errors(regression.forward(parameters, own, network), own)[0] / shift.power


@pytest.mark.parametrize("shift", SHIFTS)
def test_a_preconditioned_step_has_its_law(shift):
    law, name = law_of(shift, "trained")
    assert name == "gradient step at Γ̂"
    assert_within_error(errors(STEP, token_layers(), shift), law)
    assert linear_layer_risk(STEP, token_layers(), shift) == pytest.approx(law, abs=1e-12)


@pytest.mark.parametrize("shift", SHIFTS)
def test_any_linear_layer_has_the_law_of_all_its_weights(shift):
    draw, network = torch.Generator().manual_seed(0), token_layers(n_heads=2)
    random = torch.randn(2, 2, D + 1, D + 1, dtype=torch.float64, generator=draw)
    weights = merged_heads(*(0.4 * random))
    law, _ = law_of(shift, "axis", weights, network)
    assert_within_error(errors(weights, network, shift), law)
    neglected, _ = law_of(shift, "trained", weights, network)
    assert abs(neglected / law - 1) > 0.05  # so that the test would see a missing term


def test_law_of_unseen_coordinates_needs_only_the_first_block():
    law, _ = law_of(Shift("dimension", 2.0, K, (1.0, 1.0)), "axis")
    block = preconditioned_risk(GAMMA[:2, :2], torch.eye(2, dtype=torch.float64), K)
    assert law == pytest.approx(block, abs=1e-12)


def test_random_subspaces_have_their_law():
    shift = Shift("dimension", 2.0, K, (1.0, 1.0))
    bases = random_subspaces(N, 2, D, torch.Generator().manual_seed(0)).double()
    assert_within_error(errors(STEP, token_layers(), shift, bases), law_of(shift, "random")[0])


def test_subspaces_of_isotropic_steps_and_of_all_dimensions_have_known_laws():
    identity = torch.eye(D, dtype=torch.float64)
    cases = [(0.6 * identity, d, one_step_risk(0.6, d, K)) for d in (1, 2, 3)]
    cases += [(0.6 * identity[:1, :1], 1, one_step_risk(0.6, 1, K))]
    cases += [(GAMMA, D, preconditioned_risk(GAMMA, identity, K))]
    for gamma, d, expected in cases:
        assert mean_subspace_risk(gamma, d, K) == pytest.approx(expected, abs=1e-12)
    with pytest.raises(ValueError, match="no subspace of 4"):
        mean_subspace_risk(GAMMA, 4, K)


@pytest.mark.parametrize("shift", NOISELESS)
@pytest.mark.parametrize(
    ("omegas", "scales"), [((0.4,), (1.3,)), ((-0.3, 0.3), (-1.1, 1.1)), ((0.3, -0.3), (-0.2, 0.2))]
)
def test_softmax_heads_have_their_law(omegas, scales, shift):
    weights = merged_heads(*smoothing_heads(omegas, scales))
    network = token_layers("softmax", n_heads=len(omegas))
    law, name = law_of(shift, "trained", weights, network)
    assert "softmax head" in name
    assert_within_error(errors(weights, network, shift), law)


@pytest.mark.parametrize(
    ("omegas", "scales", "shift"),
    [
        ((0.3, 0.2), (1.0, -1.0), SHIFTS[0]),
        ((0.3, 0.2, -0.1), (1.0, -1.0, 1.0), SHIFTS[0]),
        ((0.3,), (1.0,), SHIFTS[4]),  # noise
    ],
)
def test_what_has_no_law_gets_none(omegas, scales, shift):
    weights = merged_heads(*smoothing_heads(omegas, scales))
    one_layer = token_layers("softmax", n_heads=len(omegas))
    for network in (one_layer, token_layers(n_layers=2)):
        law, name = law_of(shift, "trained", weights, network)
        assert math.isnan(law) and name == ""
