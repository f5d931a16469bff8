"""Ablation in the embedding, on planted waves, a clock network and random weights."""

import math

import pytest
import torch
from clock_network import clock_network

from mechanics.addition.embedding_ablation import answers_with, in_embedding
from mechanics.addition.fourier import fourier_basis, frequencies, frequency_shares
from mechanics.models import addition
from mechanics.models.transformer import Architecture, initialise

P, KEYS = 31, [3, 15]


def random_embedding(p: int) -> torch.Tensor:
    return torch.randn(p + 1, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_planted_waves_are_kept_or_removed():
    """The last frequency included; the mean and the row of "=" stay."""
    basis, mean = fourier_basis(13), torch.tensor([4.0, 5.0], dtype=torch.float64)
    low, high = basis[[1, 2]].T, basis[[11, 12]].T  # frequencies 1 and 6
    W_E = torch.cat([mean + low + high, torch.full((1, 2), 9.0)])
    for left, changed in (
        (low, in_embedding(W_E, [6], keep=False)),
        (high, in_embedding(W_E, [6], keep=True)),
        (low + high, in_embedding(W_E, [], keep=False)),
        (torch.zeros_like(low), in_embedding(W_E, [], keep=True)),
    ):
        torch.testing.assert_close(changed[:-1], mean + left)
        assert changed[-1].tolist() == [9.0, 9.0]


def test_what_is_kept_and_what_is_removed_are_the_whole():
    W_E = random_embedding(P)
    kept, removed = (in_embedding(W_E, KEYS, keep)[:-1] for keep in (True, False))
    torch.testing.assert_close(kept + removed, W_E[:-1] + W_E[:-1].mean(dim=0))
    assert frequency_shares(removed)[[2, 14]].sum() < 1e-20
    assert frequency_shares(kept)[[2, 14]].sum() == pytest.approx(1)


def test_unknown_frequency_is_refused():
    with pytest.raises(ValueError, match="expected 1 … 15"):
        in_embedding(random_embedding(P), [16], keep=True)


def test_clock_answers_from_its_keys_and_from_nothing_else():
    parameters, network = clock_network(P, KEYS)
    W_E = parameters["embed.W_E"][0]

    def answers(chosen: list[int], keep: bool) -> dict[str, float]:
        return answers_with(parameters, network, in_embedding(W_E, chosen, keep)).over_all()

    whole = answers([], keep=False)
    assert whole["accuracy"] == 1
    assert answers(KEYS, keep=True) == pytest.approx(whole)
    assert answers([1, 2], keep=False) == pytest.approx(whole)
    for nothing in (answers(KEYS, keep=False), answers([1, 2], keep=True)):
        assert nothing["loss"] == pytest.approx(math.log(P))  # all neurons rest: uniform logits
        assert nothing["accuracy"] < 2 / P  # no better than chance
    for key in KEYS:
        assert answers([key], keep=False)["loss"] > 100 * whole["loss"]


def test_no_frequency_matters_to_random_weights():
    """Each holds some 1/15 of the embedding, so no single one moves the loss much."""
    network = Architecture("softmax", 2, 2, 16, 8, 40, layer_norm=True)
    shapes = addition.parameter_shapes(network, P)
    weights = initialise(shapes, 0.3, torch.Generator().manual_seed(0))
    weights = {name: tensor[None].double() for name, tensor in weights.items()}
    W_E = weights["embed.W_E"][0]
    whole = answers_with(weights, network, W_E).over_all()
    for k in frequencies(P):
        without = answers_with(weights, network, in_embedding(W_E, [k], keep=False)).over_all()
        assert without["loss"] == pytest.approx(whole["loss"], rel=0.02)
        assert without["accuracy"] == pytest.approx(whole["accuracy"], abs=0.03)
