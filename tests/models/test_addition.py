"""The addition network: collapsed, of the full sequence and by tables it is one function."""

from dataclasses import replace

import pytest
import torch
from helpers import addition_stack
from jaxtyping import TypeCheckError

from mechanics.addition.pairs import all_pairs
from mechanics.models import addition, table_rows
from mechanics.models.table_rows import PairRows
from mechanics.models.transformer import Architecture

P = 11


def network(kind="softmax", n_layers=1, layer_norm=False, n_seeds=1, dtype=torch.float64):
    architecture = Architecture(kind, n_layers, 4, 16, 4, 24, layer_norm)
    parameters = addition_stack(architecture, P, n_seeds)
    chosen = torch.randint(P * P, (n_seeds, 40), generator=torch.Generator().manual_seed(1))
    return architecture, {n: t.to(dtype) for n, t in parameters.items()}, all_pairs(P)[chosen]


def of_the_full_sequence(parameters, pairs, architecture):
    return addition.run(parameters, pairs, architecture)[:, :, -1]


def by_tables(parameters, pairs, architecture):
    index = PairRows(pairs, P, architecture.n_heads)
    return table_rows.forward(parameters, index, architecture)


def logits_and_gradients(form, parameters, pairs, architecture):
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in parameters.items()}
    logits = form(leaves, pairs, architecture)
    loss = (logits.sin() * torch.arange(1, P + 1)).sum()
    return [logits, *torch.autograd.grad(loss, list(leaves.values()))]


@pytest.mark.parametrize("kind", ["linear", "softmax"])
@pytest.mark.parametrize("n_seeds", [1, 3])
@pytest.mark.parametrize(
    ("form", "n_layers", "layer_norm"),
    [(of_the_full_sequence, 1, False), (of_the_full_sequence, 3, True), (by_tables, 1, False)],
)
def test_every_form_has_the_logits_and_gradients_of_the_collapsed_one(
    form, n_layers, layer_norm, kind, n_seeds
):
    architecture, parameters, pairs = network(kind, n_layers, layer_norm, n_seeds)
    found = logits_and_gradients(form, parameters, pairs, architecture)
    expected = logits_and_gradients(addition.forward, parameters, pairs, architecture)
    torch.testing.assert_close(found, expected, atol=1e-11, rtol=1e-11)
    single = {name: tensor.float() for name, tensor in parameters.items()}
    found, expected = (own(single, pairs, architecture) for own in (form, addition.forward))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_wrong_shape_of_pairs_is_refused():
    architecture, parameters, pairs = network()
    with pytest.raises(TypeCheckError):
        addition.forward(parameters, pairs[0], architecture)


@pytest.mark.parametrize("form", [addition.forward, by_tables])
def test_products_of_the_mlp_are_rounded_to_mlp_dtype_and_nothing_else(form):
    architecture, parameters, pairs = network(dtype=torch.float32)
    rounded = replace(architecture, mlp_dtype=torch.bfloat16)
    exact, coarse = (form(parameters, pairs, own) for own in (architecture, rounded))
    assert coarse.dtype == torch.float32
    assert 2**-12 < (coarse - exact).norm() / exact.norm() < 2**-7  # bfloat16 has 8 bits
    without = {name: 0 * t if ".mlp." in name else t for name, t in parameters.items()}
    assert torch.equal(form(without, pairs, rounded), form(without, pairs, architecture))


def test_a_replica_alone_gives_the_same_bits_twice_and_nearly_those_of_its_stack():
    architecture, parameters, pairs = network(n_seeds=3, dtype=torch.float32)
    own = {name: tensor[1:2] for name, tensor in parameters.items()}
    first, second = (logits_and_gradients(by_tables, own, pairs[1:2], architecture) for _ in "ab")
    stacked = logits_and_gradients(by_tables, parameters, pairs, architecture)
    for one, again, stack in zip(first, second, stacked, strict=True):
        assert one.equal(again)
        # sums in another order: float32's rounding is that of the largest addend
        atol = 1e-4 * float(stack.detach().abs().max())
        torch.testing.assert_close(one, stack[1:2], atol=atol, rtol=0)


@pytest.mark.parametrize(
    ("p", "d_model", "d_mlp", "faster"),
    [(113, 128, 512, True), (113, 64, 256, True), (113, 32, 128, False), (59, 64, 256, False)],
)
def test_tables_are_for_one_layer_without_layer_norm_where_they_are_faster(
    p, d_model, d_mlp, faster
):
    own = Architecture("softmax", 1, 4, d_model, d_model // 4, d_mlp, layer_norm=False)
    assert table_rows.applies(own)
    assert not table_rows.applies(replace(own, n_layers=2))
    assert not table_rows.applies(replace(own, layer_norm=True))
    assert table_rows.pays(own, p, int(0.3 * p * p)) == faster
