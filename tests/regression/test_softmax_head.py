"""Merged weights of softmax heads that were built to be kernel smoothers."""

import pytest
import torch

from mechanics.models.transformer import Architecture
from mechanics.regression.softmax_head import softmax_heads

D = 3
LAYER = Architecture("softmax", 1, 2, D + 1, D + 1, 0, False, False)
OMEGA, SCALE = torch.tensor([0.4, -0.3]).double(), torch.tensor([1.2, -0.8]).double()


def heads_of(query_key: torch.Tensor, value: torch.Tensor) -> dict[str, torch.Tensor]:
    """Weights whose merged W_QK and W_V W_O, each [head, token, token], are these."""
    identity = torch.eye(D + 1, dtype=torch.float64).expand_as(query_key)
    matrices = {"Q": query_key / LAYER.score_scale, "K": identity, "V": value, "O": identity}
    return {f"blocks.0.attn.W_{letter}": m[None] for letter, m in matrices.items()}


def smoothers() -> tuple[torch.Tensor, torch.Tensor]:
    query_key = torch.zeros(2, D + 1, D + 1, dtype=torch.float64)
    query_key[:, :D, :D] = OMEGA[:, None, None] * torch.eye(D, dtype=torch.float64)
    value = torch.zeros_like(query_key)
    value[:, D, D] = -SCALE
    return query_key, value


def test_smoothers_are_read_back():
    heads = softmax_heads(heads_of(*smoothers()), LAYER, D)
    assert heads.omega[0].tolist() == pytest.approx(OMEGA.tolist(), abs=1e-12)
    assert heads.scale[0].tolist() == pytest.approx(SCALE.tolist(), abs=1e-12)
    for rest in (heads.isotropy, heads.query_key_rest, heads.value_rest):
        assert rest.abs().max() < 1e-12


def test_what_is_not_a_smoother_is_measured():
    query_key, value = smoothers()
    query_key[0, 0, D] = 0.2  # the query's x with the context's y
    value[1, 2, D] = 0.4  # the context's x into the prediction
    query_key[1, :D, :D] = torch.diag(torch.tensor([0.9, 0.0, 0.0]))
    heads = softmax_heads(heads_of(query_key, value), LAYER, D)
    assert heads.query_key_rest[0].tolist() == pytest.approx([0.5, 0])
    assert heads.value_rest[0].tolist() == pytest.approx([0, 0.5])
    assert heads.isotropy[0].tolist() == pytest.approx([0, (2 / 3) ** 0.5])


def test_what_no_prediction_depends_on_is_left_out():
    """The query's y is 0, and what is written to x is not read out."""
    query_key, value = smoothers()
    query_key[:, D], value[:, :, :D] = 7.0, 7.0
    heads = softmax_heads(heads_of(query_key, value), LAYER, D)
    for rest in (heads.isotropy, heads.query_key_rest, heads.value_rest):
        assert rest.abs().max() < 1e-12


def test_coordinates_that_prompts_do_not_use_do_not_count():
    query_key, value = smoothers()
    query_key[:, 2, 2] = 99.0
    heads = softmax_heads(heads_of(query_key, value), LAYER, 2)
    assert heads.omega[0].tolist() == pytest.approx(OMEGA.tolist(), abs=1e-12)
    with pytest.raises(ValueError, match="fewer coordinates"):
        softmax_heads(heads_of(query_key, value), LAYER, D + 1)


@pytest.mark.parametrize(
    "architecture",
    [
        Architecture("linear", 1, 1, D + 1, D + 1, 0, False, False),
        Architecture("softmax", 2, 1, D + 1, D + 1, 0, False, False),
        Architecture("softmax", 1, 1, 8, 8, 0, False, True),
        Architecture("softmax", 1, 1, D + 1, D + 1, 16, False, False),
    ],
)
def test_other_networks_are_refused(architecture):
    with pytest.raises(ValueError, match="are defined for"):
        softmax_heads({}, architecture, D)
