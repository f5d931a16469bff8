"""The evaluations, on networks whose answer is known; references finite and at their laws."""

import pytest
from gradient_steps import merged_heads, one_step, smoothing_heads
from helpers import held_out, regression_network, regression_settings, single

from mechanics.models.prompts import sample_prompts, squared_errors
from mechanics.regression.evaluation import evaluation
from mechanics.regression.laws.depth import polynomial_floor
from mechanics.regression.laws.risk import one_step_risk, optimal_step_size
from mechanics.regression.laws.spectrum import expected_spectrum
from mechanics.regression.references import reference_predictors

D, K_MIN, K_MAX = 3, 2, 9


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_a_constructed_step_has_the_risk_of_the_law_and_is_recognised(noise):
    settings = regression_settings(n_prompts_history=4096, noise=noise)
    size = optimal_step_size(D, range(settings["k_min"], settings["k_max"] + 1), noise)
    network = regression_network(settings, one_step(D, size))
    risks, distances = evaluation([network], held_out(settings)).values()
    assert risks["k"].tolist() == [4, 8]
    assert risks["c_hat"].tolist() == pytest.approx([size, size])
    for row in risks.itertuples():
        assert row.risk == pytest.approx(one_step_risk(size, D, row.k, noise), abs=1e-6)
        assert row.risk_se == 0
        assert abs(row.risk_sampled / row.risk - 1) < 0.1
    by_algorithm = distances.groupby("algorithm")["preds_diff"].max()
    assert by_algorithm["one-step GD"] < 1e-5
    assert by_algorithm.drop("one-step GD").min() > 0.1


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_of_two_mirror_images_the_nearer_one_counts(sign):
    settings = regression_settings(attention="softmax")
    heads = single(merged_heads(*smoothing_heads([0.4 * sign], [1.2 * sign])))
    distances = evaluation([regression_network(settings, heads)], held_out(settings))["distances"]
    assert distances.query("algorithm == 'softmax kernel smoother'")["preds_diff"].max() < 0.5


@pytest.mark.parametrize(("d", "k_min", "k_max", "k"), [(3, 2, 9, 1), (3, 2, 9, 3), (1, 4, 4, 4)])
def test_every_predictor_is_finite_on_short_contexts_and_in_one_dimension(d, k_min, k_max, k):
    prompts = sample_prompts("prompts", 0, 0, 50, k, 2, d)
    for name, predictor in reference_predictors(d, k_min, k_max).items():
        predictions = predictor(prompts)
        assert predictions.shape == prompts.y_test.shape, name
        assert predictions.isfinite().all(), name


@pytest.mark.parametrize("n_steps", [1, 2, 3, 6])
def test_steps_tuned_at_k_reach_the_best_polynomial_and_no_others_are_better(n_steps):
    predictors = reference_predictors(D, K_MIN, K_MAX)
    prompts = sample_prompts("prompts", 0, 0, 20000, 9, 1, D)
    name = f"{'one' if n_steps == 1 else n_steps}-step GD"
    tuned, mixed = (
        squared_errors(predictors[f"{name}{end}"](prompts), prompts)[0].double() / D
        for end in (", tuned at k", "")
    )
    law = polynomial_floor(n_steps, expected_spectrum(D, [9], 2 * n_steps + 2))
    assert abs(tuned.mean() - law) < 4 * tuned.std() / 20000**0.5
    assert tuned.mean() < mixed.mean()
