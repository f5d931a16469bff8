"""TransformerLens's native model with our weights is our network."""

import pytest
import torch
from helpers import addition_stack

from mechanics.addition.pairs import all_pairs
from mechanics.models import addition
from mechanics.models.lens import to_lens
from mechanics.models.transformer import Architecture

P = 11
WITH_EQUALS = torch.nn.functional.pad(all_pairs(P), (0, 1), value=P)


def network(kind="softmax", n_layers=1, layer_norm=False, d_mlp=32):
    architecture = Architecture(kind, n_layers, 4, 16, 4, d_mlp, layer_norm)
    return architecture, addition_stack(architecture, P)


@pytest.mark.parametrize(("n_layers", "layer_norm"), [(1, False), (3, False), (2, True)])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
def test_logits_and_cached_activations_are_the_same(n_layers, layer_norm, dtype, tolerance):
    architecture, parameters = network(n_layers=n_layers, layer_norm=layer_norm)
    parameters = {name: tensor.to(dtype) for name, tensor in parameters.items()}
    found, theirs = to_lens(parameters, architecture).run_with_cache(WITH_EQUALS)
    ours = {}
    expected = addition.run(parameters, all_pairs(P)[None], architecture, ours)[0]
    collapsed = addition.forward(parameters, all_pairs(P)[None], architecture)[0]
    own = {name: theirs[name] for name in ours} | {"logits": found, "at =": found[:, -1]}
    of_ours = {name: tensor[0] for name, tensor in ours.items()}
    of_ours |= {"logits": expected, "at =": collapsed}
    torch.testing.assert_close(own, of_ours, atol=tolerance, rtol=tolerance)


def test_training_it_leaves_the_attention_biases_at_zero_and_our_weights_alone():
    architecture, parameters = network()
    kept = {name: tensor.clone() for name, tensor in parameters.items()}
    model = to_lens(parameters, architecture)
    optimiser = torch.optim.AdamW([w for w in model.parameters() if w.requires_grad], lr=0.1)
    model(WITH_EQUALS)[:, -1].square().sum().backward()
    optimiser.step()
    assert not torch.equal(model.state_dict()["unembed.weight"], kept["unembed.W_U"][0].T)
    attention = model.blocks[0].attn
    assert not any(part.bias.any() for part in (attention.q, attention.k, attention.v, attention.o))
    assert all(torch.equal(parameters[name], kept[name]) for name in kept)


@pytest.mark.parametrize(
    ("kind", "weights", "message"),
    [
        ("linear", network("linear")[1], "linear attention: TransformerLens"),
        ("softmax", network(n_layers=2)[1], "not one replica of this architecture"),
        ("softmax", network(d_mlp=8)[1], "not one replica of this architecture"),
        ("softmax", {}, "not an addition network"),
    ],
    ids=["linear", "layers", "d_mlp", "none"],
)
def test_what_it_cannot_express_and_weights_of_another_network_are_refused(kind, weights, message):
    with pytest.raises(ValueError, match=message):
        to_lens(weights, network(kind)[0])
