"""TransformerLens's native model with our weights is our network."""

import pytest
import torch

from mechanics.addition.pairs import all_pairs
from mechanics.models import addition
from mechanics.models import transformer as block
from mechanics.models.lens import to_lens
from mechanics.models.transformer import Architecture, initialise


def network(kind="softmax", n_layers=1, layer_norm=False, p=11, d_model=16, d_mlp=32, n_seeds=1):
    architecture = Architecture(kind, n_layers, 4, d_model, d_model // 4, d_mlp, layer_norm)
    shapes = addition.parameter_shapes(architecture, p)
    draw = torch.Generator().manual_seed(0)
    own = [initialise(shapes, d_model**-0.5, draw) for _ in range(n_seeds)]
    # biases and LayerNorm start at their identities, where a lost one would not be seen
    own = [{k: t + 0.1 * torch.randn(t.shape, generator=draw) for k, t in o.items()} for o in own]
    return architecture, {name: torch.stack([o[name] for o in own]) for name in shapes}


def with_equals(pairs, p):
    return torch.nn.functional.pad(pairs, (0, 1), value=p)


@pytest.mark.parametrize(
    "size",
    [
        {},
        {"p": 113, "d_model": 128, "d_mlp": 512},
        {"n_layers": 3},
        {"layer_norm": True},
        {"n_layers": 2, "layer_norm": True},
    ],
    ids=str,
)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
def test_logits_are_the_same(size, dtype, tolerance):
    architecture, parameters = network(**size)
    parameters = {name: tensor.to(dtype) for name, tensor in parameters.items()}
    p = size.get("p", 11)
    pairs = all_pairs(p)
    if p > 11:
        pairs = pairs[torch.randperm(p * p, generator=torch.Generator().manual_seed(0))[:500]]
    found = to_lens(parameters, architecture)(with_equals(pairs, p))
    assert found.dtype == dtype
    expected = addition.run(parameters, pairs[None], architecture)[0]
    torch.testing.assert_close(found, expected, atol=tolerance, rtol=tolerance)
    collapsed = addition.forward(parameters, pairs[None], architecture)[0]
    torch.testing.assert_close(found[:, -1], collapsed, atol=tolerance, rtol=tolerance)


def test_cached_neurons_are_ours(monkeypatch):
    architecture, parameters = network()
    ours = []
    monkeypatch.setattr(block, "relu", lambda x: ours.append(x.relu()) or ours[-1])
    addition.forward(parameters, all_pairs(11)[None], architecture)
    _, cache = to_lens(parameters, architecture).run_with_cache(with_equals(all_pairs(11), 11))
    found = cache["blocks.0.mlp.hook_post"][:, -1]
    torch.testing.assert_close(found, ours[0][0], atol=1e-5, rtol=1e-5)


def test_training_it_leaves_the_attention_biases_at_zero_and_our_weights_alone():
    architecture, parameters = network()
    kept = {name: tensor.clone() for name, tensor in parameters.items()}
    model = to_lens(parameters, architecture)
    optimiser = torch.optim.AdamW([w for w in model.parameters() if w.requires_grad], lr=0.1)
    model(with_equals(all_pairs(11), 11))[:, -1].square().sum().backward()
    optimiser.step()
    assert not torch.equal(model.state_dict()["unembed.weight"], kept["unembed.W_U"][0].T)
    attention = model.blocks[0].attn
    assert not any(part.bias.any() for part in (attention.q, attention.k, attention.v, attention.o))
    assert all(torch.equal(parameters[name], kept[name]) for name in kept)


def test_what_it_cannot_express_is_refused():
    architecture, parameters = network("linear")
    with pytest.raises(ValueError, match="linear attention: TransformerLens"):
        to_lens(parameters, architecture)


@pytest.mark.parametrize("other", [{"n_layers": 2}, {"layer_norm": True}, {"d_mlp": 8}], ids=str)
def test_weights_of_another_architecture_are_refused(other):
    architecture, _ = network()
    _, parameters = network(**other)
    with pytest.raises(ValueError, match="not one replica of this architecture"):
        to_lens(parameters, architecture)


def test_weights_of_another_network_are_refused():
    with pytest.raises(ValueError, match="not an addition network"):
        to_lens({}, network()[0])
