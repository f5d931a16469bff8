"""Snapshots of a training: which checkpoints, and how near their weights are."""

import pandas as pd
import pytest
import torch

from mechanics.addition.measures import shown
from mechanics.addition.snapshots import as_int8, telling_steps


def telling(steps, train, validation) -> list[int]:
    accuracies = {"accuracy_train": train, "accuracy_validation": validation}
    return telling_steps(pd.DataFrame({"step": steps} | accuracies))


def test_snapshots_lie_where_the_accuracies_change_and_not_where_they_are_no_numbers():
    steps = list(range(0, 2000, 10))
    train = [float(step >= 100) for step in steps]
    validation = [min(1.0, max(0.0, (step - 1500) / 100)) for step in steps]
    found = telling(steps, train, validation)
    assert (found[0], found[-1]) == (0, 1990)
    assert len(found) <= 10
    assert sum(1500 <= step <= 1610 for step in found) >= 3
    assert sum(200 < step < 1500 for step in found) <= 1
    diverged = float("nan")
    assert telling([0, 5, 10], [0.0, 1.0, diverged], [0.0, 0.5, diverged]) == [0, 5]


def test_a_weight_is_off_by_at_most_half_a_step():
    weights = torch.randn(40, 30, generator=torch.Generator().manual_seed(0))
    whole, scale = as_int8(weights)
    assert whole.dtype == torch.int8
    assert float((whole * scale - weights).abs().max()) <= scale / 2 * (1 + 1e-6)
    assert as_int8(torch.zeros(3))[1] == 0


@pytest.mark.parametrize(
    ("base", "expected"), [("free", ["base", "held"]), ("held", ["base", "decay"])]
)
def test_the_page_shows_a_training_with_decay_and_one_with_a_held_norm(base, expected):
    own = {"n_layers": 1, "layer_norm": False, "attention": "softmax", "d_mlp": 4}
    models = {"linear": own | {"attention": "linear"}, "base": own | {"norm": base}}
    models |= {"decay": own | {"norm": "free"}, "held": own | {"norm": "held"}}
    assert shown(models, {"decay", "held"}) == expected
    assert shown({"linear": models["linear"]}, set()) == []
