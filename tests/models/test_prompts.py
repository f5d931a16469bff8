import pytest
import torch

from mechanics.models.prompts import (
    controlled_mean,
    embed,
    random_subspaces,
    sample_prompts,
    shorten,
    squared_errors,
    stack_prompts,
)


def test_prompts_are_a_pure_function_of_seed_and_step():
    arguments = {"n_prompts": 4, "k": 6, "n_queries": 2, "d": 3}
    first = sample_prompts("prompts", 1, 5, **arguments)
    assert torch.equal(first.x, sample_prompts("prompts", 1, 5, **arguments).x)
    for replica, step in ((2, 5), (1, 6)):
        assert not torch.equal(first.x, sample_prompts("prompts", replica, step, **arguments).x)
    assert not torch.equal(first.x, sample_prompts("evaluation", 1, 5, **arguments).x)


def test_a_control_of_known_mean_takes_out_the_chance_that_it_shares():
    control, own = torch.randn(2, 400, generator=torch.Generator().manual_seed(0)).double()
    mean, error = controlled_mean(5 + 3 * (control + 1) + 0.1 * own, control + 1, 1.0)
    assert abs(mean - 8) < 4 * error
    assert 0.004 < error < 0.006  # 0.1/√400: the control's own 3/√400 is gone
    constant = torch.ones(400).double()
    assert controlled_mean(own, constant, 1.0)[0] == pytest.approx(float(own.mean()))


def test_one_w_explains_context_and_test_points_and_predicting_zero_has_risk_one():
    prompts = sample_prompts("prompts", 0, 0, n_prompts=20000, k=8, n_queries=1, d=4)
    few = prompts.part(slice(5))
    w = torch.linalg.lstsq(few.x, few.y[..., None]).solution
    torch.testing.assert_close((few.x_test @ w)[..., 0], few.y_test, atol=1e-4, rtol=1e-4)
    errors = squared_errors(torch.zeros_like(prompts.y_test), prompts) / 4
    assert abs(errors.mean() - 1) < 4 * errors.std() / 20000**0.5


def test_shortened_prompts_are_zero_and_masked_after_their_length_in_a_stack_too():
    prompts = sample_prompts("prompts", 0, 0, n_prompts=2, k=5, n_queries=1, d=3)
    short = shorten(prompts, torch.tensor([[2, 5]]))
    assert short.mask.sum(-1).tolist() == [[2, 5]]
    assert not short.x[0, 0, 2:].any() and not short.y[0, 0, 2:].any()
    assert torch.equal(short.x[0, 1], prompts.x[0, 1])
    assert stack_prompts([short, short]).mask.shape == (2, 2, 5)
    assert stack_prompts([prompts, prompts]).mask is None


def test_embedding_keeps_the_inner_products_that_the_task_is_made_of():
    prompts = sample_prompts("prompts", 0, 0, n_prompts=4, k=6, n_queries=2, d=3)
    bases = random_subspaces(4, 3, 7, torch.Generator().manual_seed(0))
    identity = torch.eye(3).expand(4, 3, 3)
    torch.testing.assert_close(bases @ bases.mT, identity)
    expected = prompts.x @ prompts.x_test.mT
    for embedded in (embed(prompts, 7, bases), embed(prompts, 7)):
        assert embedded.x.shape == (1, 4, 6, 7)
        torch.testing.assert_close(embedded.x @ embedded.x_test.mT, expected)
    assert embed(prompts, 7).x[..., 3:].abs().sum() == 0


def test_random_subspaces_have_no_preferred_direction():
    bases = random_subspaces(20000, 2, 4, torch.Generator().manual_seed(0))
    projections = (bases.mT @ bases).diagonal(dim1=-2, dim2=-1)  # uniform on [0, 1] each
    assert (projections.mean(0) - 0.5).abs().max() < 4 * (1 / 12 / 20000) ** 0.5
