import pytest
import torch

from mechanics.training.schedules import (
    checkpoint_steps,
    context_lengths,
    context_range,
    learning_rate,
)


def test_learning_rate_rises_to_its_peak_and_stays_or_falls_to_zero():
    rates = [learning_rate(step, 100, 0.1, "one_cycle", 10) for step in range(101)]
    assert rates[0] == pytest.approx(0.01)
    assert max(rates) == pytest.approx(0.1, rel=0.03)
    assert rates[100] == pytest.approx(0.0)
    assert learning_rate(99, 100, 0.1, "constant", 10) == 0.1
    with pytest.raises(ValueError, match="schedule 'linear': expected"):
        learning_rate(0, 10, 0.1, "linear", 0)


@pytest.mark.parametrize(
    ("order", "start", "end"), [("growing", (5, 5), (5, 50)), ("mixed", (5, 50), (5, 50))]
)
def test_curricula_end_with_all_lengths(order, start, end):
    found = [context_range(step, 1000, 5, 50, order, 0.5) for step in (0, 500, 1000)]
    assert found == [start, end, end]


def test_lengths_are_uniform_with_both_ends_and_shared_where_asked():
    lengths = context_lengths(5, 8, 4000, False, torch.Generator().manual_seed(0))
    counts = torch.bincount(lengths, minlength=9)[5:]
    # 5 standard errors of a binomial share of one quarter
    assert (counts - 1000).abs().max() < 5 * (4000 * 0.25 * 0.75) ** 0.5
    assert counts.sum() == 4000
    assert len(set(context_lengths(5, 50, 10, True, torch.Generator()).tolist())) == 1


def test_checkpoints_are_dense_early_and_include_both_ends():
    steps = checkpoint_steps(1000, log_spaced=4, log_until=100, every=300, also=[555])
    assert steps == [0, 1, 5, 22, 100, 300, 555, 600, 900, 1000]


def test_strata_share_the_prompts_equally_and_together_cover_the_range():
    drawn = context_lengths(5, 50, 4600, False, torch.Generator().manual_seed(0), strata=2)
    short, long = drawn.split(2300)
    assert (short.min(), short.max(), long.min(), long.max()) == (5, 27, 28, 50)
    assert drawn.bincount()[5:].double().std() < 15  # uniform: √100 for each of the 46 lengths
