"""Frequencies of neurons whose waves were planted."""

import pytest
import torch
from helpers import addition_stack, normal

from mechanics.addition.activations import addition_activations
from mechanics.addition.neurons import (
    NeuronFrequencies,
    cluster_keys,
    contributions,
    neuron_frequencies,
)
from mechanics.addition.pairs import all_pairs
from mechanics.models.transformer import Architecture


def angles(p: int, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """ω_k a and ω_k b of all pairs."""
    return tuple((2 * torch.pi * k / p * all_pairs(p).double()).T)


def test_planted_neurons():
    (a2, b2), (a5, b5), (last_a, last_b) = (angles(13, k) for k in (2, 5, 6))
    hook_post = torch.stack(
        [
            7 + a5.cos(),  # one of the eight directions
            3 * a5.cos() * b5.sin() + a2.sin() * b2.sin(),  # 9 : 1
            (a5 + b5).cos() + a2.cos(),  # 1/2 : 1/2, and
            2 * (a5 + b5).cos() + a2.cos() * b5.cos(),  # 2 : 1/4 that no single frequency has
            (a2 - b2).sin() + a2.sin() + 0.1 * b5.cos(),  # 1/2 + 1/2 : 1/200
            (last_a + last_b).cos(),
        ],
        dim=1,
    )
    found = neuron_frequencies(hook_post, 13)
    assert found.frequency.tolist()[:2] == [5, 5]
    assert found.frequency.tolist()[3:] == [5, 2, 6]
    expected = torch.tensor([1, 0.9, 0.5, 8 / 9, 1 / 1.005, 1], dtype=torch.float64)
    torch.testing.assert_close(found.fve, expected, rtol=0, atol=1e-10)


def test_neurons_without_variance_have_no_frequency():
    a, _ = angles(13, 3)
    columns = (torch.zeros(169), torch.full((169,), 0.3), torch.full((169,), torch.nan), a.float())
    found = neuron_frequencies(torch.stack(columns, dim=1), 13)
    assert found.frequency[:3].tolist() == [0, 0, 0]
    assert found.fve.isnan().tolist() == [True, True, True, False]
    assert cluster_keys(neuron_frequencies(torch.zeros(169, 4), 13), 13) == []


def test_a_small_wave_on_a_large_constant_keeps_its_share():
    (a5, b5), (a2, _) = angles(59, 5), angles(59, 2)
    wave = 3 * (a5 + b5).cos() + a2.sin()  # 9 : 1
    found = neuron_frequencies((1 / 3 + 1e-10 * wave)[:, None], 59)
    assert found.frequency.tolist() == [5]
    assert found.fve.item() == pytest.approx(0.9, abs=1e-4)
    assert found.fve.item() <= 1


def test_neurons_count_by_what_they_write():
    a, b = angles(13, 3)
    hook_post = torch.stack([a.cos(), 2 * b.cos(), 0 * a + 5, a.cos()], dim=1)
    c = 2 * torch.pi / 13 * torch.arange(13, dtype=torch.float64)
    W_L = torch.stack([c.cos(), c.cos() + 7, c.cos(), 0 * c + 1])
    shares = torch.tensor([0.2, 0.8, 0, 0], dtype=torch.float64)  # 1 : 4; constants move nothing
    torch.testing.assert_close(contributions(hook_post, W_L), shares, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("neurons", "fve", "keys"),
    [
        ([4] * 30 + [9] * 20 + [17] * 2, 0.9, [4, 9]),  # 17 has 2/52, less than 3/29
        ([4] * 40 + list(range(1, 30)), 0.1, []),  # they follow no single frequency
        ([4] * 40 + list(range(1, 30)), 0.9, [4]),
    ],
)
def test_keys_are_those_of_clusters_that_are_large_and_explained(neurons, fve, keys):
    explained = torch.tensor([fve] * len(neurons) + [torch.nan], dtype=torch.float64)
    assert cluster_keys(NeuronFrequencies(torch.tensor([*neurons, 0]), explained), 59) == keys


def test_random_weights_and_noise_have_no_keys():
    architecture = Architecture("softmax", 1, 2, 32, 16, 200, layer_norm=False)
    weights = addition_stack(architecture, 59)
    of_weights = addition_activations(weights, architecture).hook_post[0]
    for hook_post, most in ((of_weights, 0.5), (normal(59 * 59, 200), 0.02)):
        found = neuron_frequencies(hook_post, 59)
        assert cluster_keys(found, 59) == []
        assert found.fve.nan_to_num(0).max() < most  # some are dead; noise has 8/p² in each
