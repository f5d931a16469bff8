"""Layer read-out, on networks whose layers are known gradient steps."""

import math
from itertools import pairwise

import pytest
import torch
from gradient_steps import gradient_steps

from mechanics.models.prompts import Prompts, sample_prompts
from mechanics.regression.algorithms.gradient_descent import gradient_descent
from mechanics.regression.algorithms.least_squares import ordinary_least_squares
from mechanics.regression.laws.depth import optimal_step_sizes, polynomial_floor
from mechanics.regression.laws.risk import one_step_risk
from mechanics.regression.laws.spectrum import expected_spectrum
from mechanics.regression.layer_readout import (
    equivalent_steps,
    fit_probe,
    gradient_descent_risks,
    named_algorithms,
    nearest_algorithm,
    newton_risks,
    probe_predictions,
    query_streams,
    risk_of,
)

D, K = 3, 8
STEPS = optimal_step_sizes(2, expected_spectrum(D, [K], 4))
EXACT = {"atol": 1e-10, "rtol": 1e-10}


def prompts_of(n_prompts, k=K, replica=0):
    prompts = sample_prompts("evaluation", replica, 0, n_prompts, k, n_queries=2, d=D)
    return Prompts(*(t.double() for t in (prompts.x, prompts.y, prompts.x_test, prompts.y_test)))


def read(prompts):
    """Streams and early read-outs of the network whose two layers are the best two steps."""
    weights, network = gradient_steps(STEPS, D)
    return query_streams(weights, prompts, network)


def test_stream_of_constructed_layers_is_x_and_minus_the_prediction_so_far():
    prompts = prompts_of(300)  # more than one chunk
    streams, lenses = read(prompts)
    for layer in range(3):
        prediction = gradient_descent(prompts, STEPS[:layer])[0]
        expected = torch.cat([prompts.x_test[0], -prediction[..., None]], dim=-1)
        torch.testing.assert_close(streams[layer], expected, **EXACT)
        torch.testing.assert_close(lenses[layer], prediction, **EXACT)


@pytest.fixture(scope="module")
def judged():
    """Risk of probe and early read-out after each of the constructed layers, on fresh prompts."""
    fit, judge = prompts_of(4096), prompts_of(4096, replica=1)
    fitted, _ = read(fit)
    streams, lenses = read(judge)
    probes = [fit_probe(stream, fit.y_test[0]) for stream in fitted]
    risks = [
        risk_of(probe_predictions(stream, probe), judge)
        for stream, probe in zip(streams, probes, strict=True)
    ]
    return probes, risks, [risk_of(lens, judge) for lens in lenses]


def test_probe_reads_the_prediction_and_nothing_else(judged):
    probes, _, _ = judged
    for probe in probes[1:]:
        assert probe[:D].abs().max() < 0.1  # √(d · risk / rows) ≈ 0.01
        assert probe[D] < -0.9
    assert probes[2][D].item() == pytest.approx(-1, abs=0.03)  # two best steps need no rescaling


def test_early_read_out_has_the_risk_of_the_layer_s_own_step(judged):
    _, _, lenses = judged
    risk, error = lenses[1]
    assert abs(risk - one_step_risk(STEPS[0], D, K)) < 4 * error


@pytest.mark.parametrize("n", [1, 2])
def test_probe_has_the_risk_of_as_many_best_steps(judged, n):
    """After one layer the probe rescales the small first step to the best single step."""
    _, risks, _ = judged
    risk, error = risks[n]
    law = gradient_descent_risks(D, K, 4)
    assert abs(risk - law[n]) < 4 * error
    slope = math.log(law[n] / law[n + 1])
    assert equivalent_steps(risk, law) == pytest.approx(n, abs=4 * error / risk / slope)


def test_probe_before_the_first_layer_knows_nothing(judged):
    _, risks, _ = judged
    risk, error = risks[0]
    assert abs(risk - 1) < 4 * error


def test_probe_is_exact_where_the_stream_is():
    """Coordinates of any size, one that is zero, and one that says the same as another."""
    draw = torch.Generator().manual_seed(0)
    stream = torch.randn(50, 2, 5, dtype=torch.float64, generator=draw)
    stream *= torch.tensor([1.0, 1e-9, 1e6, 0.0, 1.0])
    stream[..., 4] = stream[..., 0]
    targets = stream @ torch.tensor([2.0, 3e9, -1e-6, 7.0, 1.0], dtype=torch.float64)
    probe = fit_probe(stream, targets)
    torch.testing.assert_close(probe_predictions(stream, probe), targets, **EXACT)
    assert probe[3] == 0


def test_probe_of_a_diverged_stream_is_nan_and_near_nothing():
    stream = torch.ones(5, 2, 3, dtype=torch.float64)
    stream[0, 0, 0] = math.nan
    probe = fit_probe(stream, torch.ones(5, 2, dtype=torch.float64))
    assert probe.isnan().all()
    predictions = probe_predictions(stream, probe)
    name, distance = nearest_algorithm(predictions, {"zero": torch.zeros(5, 2).double()})
    assert name is None
    assert math.isnan(distance)


def test_probe_needs_as_many_test_points_as_coordinates():
    with pytest.raises(ValueError, match="4 test points cannot determine a probe of 5"):
        fit_probe(torch.ones(2, 2, 5), torch.ones(2, 2))


@pytest.mark.parametrize(("d", "k"), [(3, 8), (3, 2), (1, 4)])
def test_equivalent_steps_of_as_many_steps(d, k):
    risks = gradient_descent_risks(d, k)
    assert [equivalent_steps(risk, risks) for risk in risks] == [float(n) for n in range(21)]


@pytest.mark.parametrize("k", [5, 50])
def test_risk_of_twenty_steps_is_exact(k):
    """As it is on the spectrum of a higher degree."""
    expected = polynomial_floor(20, expected_spectrum(10, [k], 44))
    assert gradient_descent_risks(10, k)[20] == pytest.approx(expected, rel=1e-10)


def test_equivalent_steps_between_whole_numbers():
    risks = [1.0, 0.1, 0.001]
    assert equivalent_steps(0.01, risks) == pytest.approx(1.5, abs=1e-12)


def test_equivalent_steps_are_never_capped():
    assert equivalent_steps(0.009, [1.0, 0.1, 0.01]) == math.inf
    assert equivalent_steps(0.0, [1.0, 0.1, 0.01]) == math.inf
    assert math.isnan(equivalent_steps(1.01, [1.0, 0.1, 0.01]))
    assert math.isnan(equivalent_steps(math.nan, [1.0, 0.1, 0.01]))


def test_no_number_of_steps_passes_least_squares():
    assert equivalent_steps(1 - 2 / 3, gradient_descent_risks(D, 2)) == math.inf


def test_risks_that_are_not_positive_are_refused():
    for risks in ([], [1.0, 0.0], [1.0, math.nan]):
        with pytest.raises(ValueError, match="must be positive"):
            equivalent_steps(0.5, risks)


@pytest.mark.parametrize("k", [2, 8])
def test_newton_risks_fall_to_least_squares(k):
    prompts = prompts_of(200, k)
    risks = newton_risks(prompts, 30)
    assert all(later < before + 1e-10 for before, later in pairwise(risks))
    least, _ = risk_of(ordinary_least_squares(prompts)[0], prompts)
    assert risks[0] > least + 0.1
    assert risks[-1] == pytest.approx(least, abs=1e-8)


@pytest.mark.parametrize("n", [1, 3, 6])
def test_nearest_algorithm_is_the_one_itself(n):
    prompts = prompts_of(50)
    algorithms = named_algorithms(prompts)
    sizes = optimal_step_sizes(n, expected_spectrum(D, [K], 2 * n))
    name, distance = nearest_algorithm(gradient_descent(prompts, sizes)[0], algorithms)
    assert name == (f"{'one' if n == 1 else n}-step GD, tuned at k")
    assert distance == pytest.approx(0, abs=1e-10)
