"""Every reference predictor: known by kind, finite, and at its law."""

import pytest

from mechanics.models.prompts import sample_prompts, squared_errors
from mechanics.regression.laws.depth import polynomial_floor
from mechanics.regression.laws.spectrum import expected_spectrum
from mechanics.regression.references import KIND, reference_predictors

D, K_MIN, K_MAX = 3, 2, 9


@pytest.fixture(scope="module")
def predictors():
    return reference_predictors(D, K_MIN, K_MAX)


def test_every_predictor_has_a_kind(predictors):
    assert predictors.keys() == KIND.keys()


@pytest.mark.parametrize("k", [1, 2, 3, 9])
def test_every_predictor_is_finite_on_short_contexts(predictors, k):
    prompts = sample_prompts("prompts", 0, 0, 50, k, 2, D)
    for name, predictor in predictors.items():
        predictions = predictor(prompts)
        assert predictions.shape == prompts.y_test.shape, name
        assert predictions.isfinite().all(), name


def test_one_dimension_and_one_length_are_no_special_case():
    prompts = sample_prompts("prompts", 0, 0, 50, 4, 2, 1)
    for name, predictor in reference_predictors(1, 4, 4).items():
        assert predictor(prompts).isfinite().all(), name


@pytest.mark.parametrize("n_steps", [1, 2, 6])
def test_steps_tuned_at_k_reach_the_best_polynomial(predictors, n_steps):
    prompts = sample_prompts("prompts", 0, 0, 20000, 9, 1, D)
    name = "one-step GD, tuned at k" if n_steps == 1 else f"{n_steps}-step GD, tuned at k"
    errors = squared_errors(predictors[name](prompts), prompts)[0].double() / D
    law = polynomial_floor(n_steps, expected_spectrum(D, [9], 2 * n_steps + 2))
    assert abs(errors.mean() - law) < 4 * errors.std() / 20000**0.5


def test_no_tuning_is_worse_than_tuning_for_the_length(predictors):
    prompts = sample_prompts("prompts", 0, 1, 20000, 9, 1, D)
    for n_steps in (2, 3):
        tuned, mixed = (
            squared_errors(predictors[f"{n_steps}-step GD{end}"](prompts), prompts).mean()
            for end in (", tuned at k", "")
        )
        assert tuned < mixed
