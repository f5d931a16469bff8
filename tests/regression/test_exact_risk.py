"""The exact risk of one linear layer is that of sampled prompts, stray weights included."""

from dataclasses import replace

import pytest
import torch

from mechanics.models import regression
from mechanics.models.prompts import embed, sample_prompts, squared_errors
from mechanics.models.transformer import Architecture, initialise, standard_tokens
from mechanics.regression.effective_weights import exact_risk

D = 3
LAYER = Architecture("linear", 1, 1, D + 1, D + 1, 0, False, False)


def weights(architecture, d, std=0.5):
    shapes = regression.parameter_shapes(architecture, d)
    own = initialise(shapes, std, torch.Generator().manual_seed(0))
    return {name: tensor[None].double() for name, tensor in own.items()}


@pytest.mark.parametrize(("k", "noise"), [(2, 0.0), (7, 0.0), (4, 0.5)])
@pytest.mark.parametrize("more", [0, 2])
@pytest.mark.parametrize("changes", [{}, standard_tokens(D)])
def test_random_weights_have_their_exact_risk(changes, more, k, noise):
    size = D + more + 1
    architecture = replace(LAYER, d_model=size, d_head=size, **changes)
    own = weights(architecture, D + more)
    prompts = sample_prompts("prompts", 0, 0, 40000, k, 4, D, noise).double()
    predictions = regression.forward(own, embed(prompts, D + more), architecture)
    errors = squared_errors(predictions, prompts)[0] / D
    law = float(exact_risk(own, architecture, D, k, noise))
    assert abs(float(errors.mean()) - law) < 4 * float(errors.std()) / 200
    assert float(errors.std()) / 200 < 0.05 * law


def test_other_networks_are_refused():
    for change in ({"n_layers": 2}, {"n_heads": 2}):
        with pytest.raises(ValueError, match="one head of one linear layer"):
            exact_risk({}, replace(LAYER, **change), D, 5)
