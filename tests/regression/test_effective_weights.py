"""Merged weights of a layer that was built to be a preconditioned step."""

import pytest
import torch

from mechanics.models.transformer import Architecture
from mechanics.regression.effective_weights import isotropy_distance, preconditioner, step_size

D = 3
LAYER = Architecture("linear", 1, 1, D + 1, D + 1, 0, False, False)


def layer_that_steps(gamma: torch.Tensor) -> dict[str, torch.Tensor]:
    match = torch.zeros(D + 1, D + 1, dtype=torch.float64)
    match[:D, :D] = gamma / LAYER.score_scale
    write = torch.zeros(D + 1, D + 1, dtype=torch.float64)
    write[D, D] = -1
    identity = torch.eye(D + 1, dtype=torch.float64)
    matrices = {"Q": match, "K": identity, "V": identity, "O": write}
    return {f"blocks.0.attn.W_{letter}": m[None, None] for letter, m in matrices.items()}


def test_preconditioner_is_read_back():
    gamma = torch.randn(D, D, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = preconditioner(layer_that_steps(gamma), LAYER)
    torch.testing.assert_close(found[0], gamma, atol=1e-12, rtol=0)


def test_keys_that_read_y_and_values_that_read_x_are_seen():
    weights = layer_that_steps(torch.zeros(D, D, dtype=torch.float64))
    weights["blocks.0.attn.W_Q"][0, 0, 0, D] = 2 / LAYER.score_scale
    weights["blocks.0.attn.W_O"][0, 0, 1, D] = -3
    found = preconditioner(weights, LAYER)[0]
    assert found[0, 1].item() == pytest.approx(6) and found.count_nonzero() == 1


def test_plain_step_is_isotropic():
    gamma = preconditioner(layer_that_steps(0.4 * torch.eye(D, dtype=torch.float64)), LAYER)
    assert step_size(gamma).item() == pytest.approx(0.4)
    assert isotropy_distance(gamma).item() == pytest.approx(0, abs=1e-12)


def test_one_sided_step_is_not():
    gamma = torch.diag(torch.tensor([1.0, 0.0, 0.0])).double()[None]
    assert isotropy_distance(gamma).item() == pytest.approx((2 / 3) ** 0.5)


def test_deep_network_has_no_preconditioner():
    deep = Architecture("linear", 2, 1, D + 1, D + 1, 0, False, False)
    with pytest.raises(ValueError, match="one layer of linear attention"):
        preconditioner({}, deep)
