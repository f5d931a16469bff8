import math

import pytest
import torch

from mechanics.addition.pairs import (
    all_pairs,
    cross_entropy,
    grokking_step,
    mean_cross_entropy,
    swapped_in_training,
    training_mask,
)


def test_split_has_the_published_size_and_depends_on_the_seed_alone_and_swapped_pairs_are_found():
    mask = training_mask(113, 0.3, replica=0)
    assert int(mask.sum()) == 3830
    assert torch.equal(mask, training_mask(113, 0.3, replica=0))
    assert not torch.equal(mask, training_mask(113, 0.3, replica=1))
    mask = torch.zeros(25, dtype=torch.bool)
    mask[1 * 5 + 3] = True  # (1, 3) is trained on
    swapped = swapped_in_training(mask, 5)
    assert all_pairs(5)[swapped].tolist() == [[3, 1]]


@pytest.mark.parametrize(
    ("accuracy", "step"),
    [([0.1, 0.2], None), ([1.0, 1.0], 0), ([0.1, 1.0, 0.5, 1.0], 30), ([float("nan"), 1.0], 10)],
)
def test_grokking_step_is_the_start_of_the_last_stay(accuracy, step):
    assert grokking_step([10 * i for i in range(len(accuracy))], accuracy, 0.99) == step


def test_loss_is_float64_exact_where_float32_underflows_and_its_gradient_is_autograds():
    (loss,) = cross_entropy(torch.tensor([[20.0, 0.0]]), torch.tensor([0]))
    assert loss.dtype == torch.float64
    assert loss.item() == pytest.approx(math.log1p(math.exp(-20)), rel=1e-6)
    logits = 30 * torch.randn(2, 40, 113, generator=torch.Generator().manual_seed(0))
    logits.requires_grad_()
    correct = torch.arange(80).view(2, 40)
    weights = torch.tensor([1.0, 2.0], dtype=torch.float64)
    found, expected = mean_cross_entropy(logits, correct), cross_entropy(logits, correct).mean(-1)
    torch.testing.assert_close(found, expected, rtol=1e-14, atol=0)
    (ours,) = torch.autograd.grad((found * weights).sum(), logits)
    (theirs,) = torch.autograd.grad((expected * weights).sum(), logits)
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-12)
