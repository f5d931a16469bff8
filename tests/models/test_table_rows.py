"""The tables of rows are the addition network, summed in another order."""

from dataclasses import replace

import pytest
import torch

from mechanics.addition.pairs import all_pairs
from mechanics.models import addition, table_rows
from mechanics.models.table_rows import PairRows
from mechanics.models.transformer import Architecture, initialise

P = 11


def network(kind: str, n_seeds: int, dtype=torch.float64):
    architecture = Architecture(kind, 1, 4, 16, 4, 24, False)
    shapes = addition.parameter_shapes(architecture, P)
    own = [initialise(shapes, 0.4, torch.Generator().manual_seed(s)) for s in range(n_seeds)]
    parameters = {name: torch.stack([o[name] for o in own]).to(dtype) for name in shapes}
    for name in ("blocks.0.mlp.b_in", "blocks.0.mlp.b_out"):  # biases start at zero
        parameters[name].normal_(generator=torch.Generator().manual_seed(9))
    chosen = torch.randint(P * P, (n_seeds, 40), generator=torch.Generator().manual_seed(1))
    return architecture, parameters, all_pairs(P)[chosen]


def loss_and_gradients(forward, parameters):
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in parameters.items()}
    logits = forward(leaves)
    loss = (logits.sin() * torch.arange(1, P + 1)).sum()
    return [logits, *torch.autograd.grad(loss, list(leaves.values()))]


@pytest.mark.parametrize("kind", ["linear", "softmax"])
@pytest.mark.parametrize("n_seeds", [1, 3])
def test_logits_and_gradients_are_those_of_the_general_form(kind, n_seeds):
    architecture, parameters, pairs = network(kind, n_seeds)
    index = PairRows(pairs, P, architecture.n_heads)
    found = loss_and_gradients(lambda own: table_rows.forward(own, index, architecture), parameters)
    expected = loss_and_gradients(
        lambda own: addition.forward(own, pairs, architecture), parameters
    )
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-11, rtol=1e-11)


def test_a_replica_alone_gives_the_same_bits_twice_and_nearly_those_of_its_stack():
    architecture, parameters, pairs = network("softmax", 3, torch.float32)
    alone = {name: tensor[1:2] for name, tensor in parameters.items()}

    def run(own, pairs):
        index = PairRows(pairs, P, architecture.n_heads)
        return loss_and_gradients(lambda p: table_rows.forward(p, index, architecture), own)

    first, second, stacked = (
        run(alone, pairs[1:2]),
        run(alone, pairs[1:2]),
        run(parameters, pairs),
    )
    for one, again, stack in zip(first, second, stacked, strict=True):
        assert one.equal(again)
        # sums in another order: float32's rounding is that of the largest addend
        atol = 1e-4 * float(stack.abs().max())
        torch.testing.assert_close(one, stack[1:2], atol=atol, rtol=0)


def test_products_with_w_l_are_rounded_to_mlp_dtype_and_nothing_else():
    architecture, parameters, pairs = network("softmax", 1, torch.float32)
    index = PairRows(pairs, P, architecture.n_heads)
    rounded = replace(architecture, mlp_dtype=torch.bfloat16)
    exact = table_rows.forward(parameters, index, architecture)
    coarse = table_rows.forward(parameters, index, rounded)
    assert coarse.dtype == torch.float32
    error = (coarse - exact).abs().max() / exact.abs().max()
    assert 1e-5 < error < 2**-7
    silent = parameters | {"blocks.0.mlp.W_out": torch.zeros_like(parameters["blocks.0.mlp.W_out"])}
    assert table_rows.forward(silent, index, rounded).equal(
        table_rows.forward(silent, index, architecture)
    )


def test_it_applies_to_one_layer_without_layer_norm():
    architecture, _, _ = network("softmax", 1)
    assert table_rows.applies(architecture)
    assert not table_rows.applies(replace(architecture, n_layers=2))
    assert not table_rows.applies(replace(architecture, layer_norm=True))


@pytest.mark.parametrize(
    ("p", "d_model", "d_mlp", "faster"),
    [(113, 128, 512, True), (113, 64, 256, True), (113, 32, 128, False), (59, 64, 256, False)],
)
def test_it_is_taken_where_it_is_measured_to_be_faster(p, d_model, d_mlp, faster):
    architecture, _, _ = network("softmax", 1, torch.float32)
    own = replace(architecture, d_model=d_model, d_mlp=d_mlp, n_heads=4)
    assert table_rows.pays(own, p, int(0.3 * p * p)) == faster
