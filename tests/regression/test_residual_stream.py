"""The streams end in the network's own predictions, and its parts can be left out."""

import pytest
import torch
from gradient_steps import token_layers

from mechanics.models import regression
from mechanics.models.prompts import sample_prompts
from mechanics.models.regression import read_out
from mechanics.models.transformer import Architecture, initialise
from mechanics.regression.held_out import residual_streams

D, K, QUERIES = 3, 6, 2
ARCHITECTURES = {
    "linear_L1": token_layers(),
    "linear_L3": token_layers(n_layers=3),
    "softmax_L2": token_layers("softmax", n_layers=2, n_heads=2),
    "deep": Architecture("softmax", 3, 2, 8, 4, 16, True, True),
    "linear_embedded": Architecture("linear", 2, 2, 8, 4, 16, True, True),
}


def setup(name):
    """Two replicas in float64 with random weights, LayerNorms and biases too."""
    architecture = ARCHITECTURES[name]
    shapes = regression.parameter_shapes(architecture, D)
    own = initialise(shapes, 0.5, torch.Generator().manual_seed(0))
    draw = torch.Generator().manual_seed(1)
    noise = {key: 0.1 * torch.randn(2, *shape, generator=draw) for key, shape in shapes.items()}
    parameters = {key: (own[key] + noise[key]).double() for key in shapes}
    one = sample_prompts("prompts", 0, 0, 5, K, QUERIES, D).expand(2)
    return architecture, parameters, one.double()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_whole_network_reads_out_its_own_predictions(name):
    architecture, parameters, prompts = setup(name)
    streams = residual_streams(parameters, prompts, architecture)
    assert len(streams) == architecture.n_layers + 1
    assert {tuple(s.shape) for s in streams} == {(2, 5, K + QUERIES, architecture.d_model)}
    predictions = read_out(streams[-1][..., K:, :], parameters, architecture)
    expected = regression.forward(parameters, prompts, architecture)
    torch.testing.assert_close(predictions, expected, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_streams_are_constant_where_skips_carry_layers_that_add_nothing(name):
    architecture, parameters, prompts = setup(name)
    silent = {k: t * (not k.endswith(("W_O", "W_out", "b_out"))) for k, t in parameters.items()}
    first, *later = residual_streams(silent, prompts, architecture)
    assert all(torch.equal(stream, first) for stream in later)
    without = residual_streams(silent, prompts, architecture, skips=False)
    assert all(not stream.any() for stream in without[1:])


def test_without_skips_the_stream_is_the_mlp_of_what_attention_returns():
    architecture, parameters, prompts = setup("deep")
    streams = residual_streams(parameters, prompts, architecture, skips=False, mlps=False)
    both = residual_streams(parameters, prompts, architecture, skips=False)
    expected = regression.mlp(streams[1], parameters, 0, architecture)
    torch.testing.assert_close(both[1], expected, atol=1e-12, rtol=1e-12)


def test_without_mlps_their_weights_do_not_matter():
    architecture, parameters, prompts = setup("deep")
    other = {key: t * 2 if ".mlp." in key else t for key, t in parameters.items()}
    last = [residual_streams(p, prompts, architecture, mlps=False)[-1] for p in (parameters, other)]
    assert torch.equal(*last)
    whole = [residual_streams(p, prompts, architecture)[-1] for p in (parameters, other)]
    assert not torch.allclose(*whole)
