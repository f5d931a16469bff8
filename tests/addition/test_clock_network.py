"""The networks built by hand compute what they are said to."""

import pytest
import torch
from clock_network import PIZZA_THRESHOLDS, clock_network, memorised_logits

from mechanics.addition.activations import addition_activations, neuron_logits
from mechanics.addition.fourier import frequency_shares, key_frequencies, sum_spectrum
from mechanics.addition.pairs import all_pairs, targets, training_mask
from mechanics.models import addition
from mechanics.models.lens import to_lens


@pytest.mark.parametrize(
    ("p", "frequencies", "changes"),
    [
        (13, (2, 5), {}),
        (13, (2, 5, 6), {"thresholds": PIZZA_THRESHOLDS}),
        (59, (4, 17, 29), {"d_model": 20}),
        (59, (3, 11, 20, 28), {"thresholds": PIZZA_THRESHOLDS}),
    ],
)
def test_clock_network_adds_with_exactly_its_frequencies(p, frequencies, changes):
    parameters, architecture = clock_network(p, frequencies, **changes)
    shapes = addition.parameter_shapes(architecture, p)
    assert {n: tuple(t.shape[1:]) for n, t in parameters.items()} == shapes
    found = addition_activations(parameters, architecture)
    assert (found.logits.argmax(-1) == targets(all_pairs(p), p)).all()
    spectrum = sum_spectrum(found.logits)
    assert (spectrum > 1e-20).nonzero()[:, 0].tolist() == [k - 1 for k in frequencies]
    if "thresholds" not in changes:  # a clock: hardly anything depends on a − b
        assert spectrum.sum() > 0.99
    if p == 59:  # of the 6 frequencies of 13, no three can have three times the flat share
        assert key_frequencies(spectrum) == list(frequencies)
        W_L = neuron_logits(parameters, architecture)
        assert key_frequencies(frequency_shares(W_L.T)) == list(frequencies)
        W_E = parameters["embed.W_E"][0, :-1]
        assert key_frequencies(frequency_shares(W_E)) == list(frequencies)


def test_pizza_logits_are_proportional_to_cos_of_half_the_difference():
    p, k = 13, 3
    parameters, architecture = clock_network(p, (k,), thresholds=PIZZA_THRESHOLDS)
    logits = addition_activations(parameters, architecture).logits
    a, b = all_pairs(p).double().T
    c = torch.arange(p, dtype=torch.float64)
    omega = 2 * torch.pi * k / p
    wave = torch.cos(omega * ((a + b)[:, None] - c))
    size = torch.cos(omega * (a - b) / 2).abs()[:, None]
    factor = (logits * wave).sum() / (wave**2 * size).sum()
    assert (logits - factor * size * wave).norm() / logits.norm() < 0.05


def test_memorised_logits_are_right_on_the_training_pairs_alone():
    p = 13
    mask = training_mask(p, 0.3, 0)
    right = memorised_logits(p, mask, 0).argmax(-1) == targets(all_pairs(p), p)
    assert right[mask].all()
    assert right[~mask].double().mean() < 0.2


def test_lens_accepts_the_clock_network():
    to_lens(*clock_network(13, (2, 5)))
