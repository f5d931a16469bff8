import pytest
import torch
from helpers import normal

from mechanics.training.optimiser import AdamW


def stack(n_seeds: int) -> torch.Tensor:
    return normal(n_seeds, 10)


def gradients(n_steps: int, n_seeds: int) -> torch.Tensor:
    return normal(n_steps, n_seeds, 10, seed=1)


@pytest.mark.parametrize("clip", [None, 1.0])
def test_equals_torch_for_each_replica(clip):
    ours = AdamW(stack(3), weight_decay=0.3, betas=(0.9, 0.98), gradient_clip=clip)
    theirs = [row.clone().requires_grad_() for row in stack(3)]
    optimisers = [
        torch.optim.AdamW([p], lr=0.01, betas=(0.9, 0.98), weight_decay=0.3) for p in theirs
    ]
    for gradient in gradients(5, 3):
        ours.update(gradient, 0.01)
        for parameter, row, optimiser in zip(theirs, gradient, optimisers, strict=True):
            parameter.grad = row.clone()
            if clip:
                torch.nn.utils.clip_grad_norm_([parameter], clip)
            optimiser.step()
    expected = torch.stack([p.detach() for p in theirs])
    # torch adds 1e-6 to the norm that it clips by
    torch.testing.assert_close(ours.weights, expected, atol=1e-5 if clip else 1e-12, rtol=0)


def test_epsilon_decides_about_weights_with_small_gradients_and_says_of_how_many():
    """Without averaging a step is g / (|g| + ε): half of it at |g| = ε, nearly all far above."""
    optimiser = AdamW(stack(1), 0.0, (0.0, 0.0), epsilon=1e-3)
    before = optimiser.weights.clone()
    gradient = torch.tensor([[1e-3] * 1 + [1e-6] * 3 + [1.0] * 6], dtype=torch.float64)
    optimiser.update(gradient, 0.01)
    steps = (before - optimiser.weights) / 0.01
    expected = torch.tensor([[0.5] + [1e-3] * 3 + [1.0] * 6], dtype=torch.float64)
    torch.testing.assert_close(steps, expected, rtol=2e-3, atol=0)
    assert optimiser.below_epsilon().tolist() == pytest.approx([0.3])


def test_movement_is_measured_from_where_it_was_asked_last_and_follows_its_replica():
    optimiser = AdamW(torch.ones(3, 4, dtype=torch.float64), 0.0, (0.9, 0.98))
    optimiser.weights[2] = 2.0  # by 1, half of its new norm
    optimiser.keep([0, 2])
    assert optimiser.moved().tolist() == [0.0, 0.5]
    assert optimiser.moved().tolist() == [0.0, 0.0]


def test_decay_ends_and_norm_is_held_for_the_replicas_asked_for():
    plain = AdamW(stack(3), 0.3, (0.9, 0.98))
    changed = AdamW(stack(3), 0.3, (0.9, 0.98))
    undecayed = AdamW(stack(3), 0.0, (0.9, 0.98))
    changed.decay_factor[1] = 0.0
    changed.fixed_norm[2] = 5.0
    for gradient in gradients(4, 3):
        for optimiser in (plain, changed, undecayed):
            optimiser.update(gradient, 0.01)
    assert torch.equal(changed.weights[0], plain.weights[0])
    assert torch.equal(changed.weights[1], undecayed.weights[1])
    assert changed.norm()[2].item() == pytest.approx(5.0, rel=1e-12)
    changed.keep([0, 2])  # it stays with its replica when others end
    changed.update(gradients(1, 2)[0], 0.01)
    assert changed.norm()[1].item() == pytest.approx(5.0, rel=1e-12)
    assert changed.norm()[0].item() != pytest.approx(5.0, rel=1e-2)


def test_each_tensor_is_held_at_a_norm_of_its_own_and_the_others_are_free():
    plain, held = (AdamW(stack(3), 0.0, (0.9, 0.98), sizes=(6, 4)) for _ in range(2))
    held.matrix_norms[1, 0], held.matrix_norms[2, 1] = 5.0, 0.25
    for gradient in gradients(4, 3):
        plain.update(gradient, 0.01)
        held.update(gradient, 0.01)
    first, second = held.weights.split((6, 4), dim=1)
    assert first[1].norm().item() == pytest.approx(5.0, rel=1e-14)
    assert second[2].norm().item() == pytest.approx(0.25, rel=1e-14)
    assert torch.equal(held.weights[0], plain.weights[0])
    assert torch.equal(second[1], plain.weights[1, 6:])
    held.keep([1])
    held.update(gradients(1, 3)[0][1:2], 0.01)
    assert held.weights[0, :6].norm().item() == pytest.approx(5.0, rel=1e-14)


def test_orthogonal_gradient_is_across_each_tensor_and_as_long_as_the_gradient():
    optimiser = AdamW(stack(2), 0.0, (0.0, 0.98), sizes=(6, 4), orthogonal_gradient=True)
    optimiser.weights[1, 6:] = 0  # a bias before its first step
    before, (gradient,) = optimiser.weights.clone(), gradients(1, 2)
    optimiser.update(gradient, 0.01)
    used = optimiser.mean  # beta 0: the mean is the last gradient
    for start, end in ((0, 6), (6, 10)):
        along = (used[:, start:end] * before[:, start:end]).sum(1)
        torch.testing.assert_close(along, torch.zeros_like(along), atol=1e-13, rtol=0)
        own, whole = (tensor[:, start:end].norm(dim=1) for tensor in (used, gradient))
        torch.testing.assert_close(own, whole)
    assert torch.equal(used[1, 6:], gradient[1, 6:])


def test_parts_of_a_loss_count_over_their_own_running_means():
    optimiser = AdamW(stack(3), 0.0, (0.9, 0.98))
    first = torch.tensor([[4.0, 0.5], [1.0, 1.0], [2.0, 8.0]], dtype=torch.float64)
    assert torch.equal(optimiser.relative(first), 1 / first)
    optimiser.keep([0, 2])
    weights = optimiser.relative(2 * first[[0, 2]])
    torch.testing.assert_close(weights * first[[0, 2]], torch.full_like(weights, 1 / 1.02))
