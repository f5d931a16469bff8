"""Subtraction and multiplication: their data, and their networks read as ones that add."""

import operator as op

import pandas as pd
import pytest
import torch
from clock_network import final, multiplying_network
from helpers import addition_settings, random_network, single, write_run

from mechanics.addition import circuit, data
from mechanics.addition.as_addition import as_addition
from mechanics.addition.embedding_ablation import answers_with
from mechanics.addition.following import exact_at
from mechanics.addition.operation import answer, numbers, operation_pairs, order
from mechanics.addition.pairs import all_pairs, targets
from mechanics.addition.patched import POST, Patched
from mechanics.addition.patching import Patch, draw_prompt_pairs
from mechanics.addition.task import Task
from mechanics.models import addition
from mechanics.training.checkpoint import Run

FORMULAS = {"add": op.add, "subtract": op.sub, "multiply": op.mul}
OPERATIONS = list(FORMULAS)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_data_are_all_equations_of_the_operation(tmp_path, operation):
    settings = addition_settings(p=7, train_fraction=0.5, operation=operation)
    data.prepare(settings, tmp_path / "split.parquet", seed=3)
    table = pd.read_parquet(tmp_path / "split.parquet")
    elements = range(1, 7) if operation == "multiply" else range(7)
    pairs = list(zip(table["a"], table["b"], strict=True))
    assert sorted(pairs) == [(a, b) for a in elements for b in elements]
    assert table["c"].tolist() == [FORMULAS[operation](a, b) % 7 for a, b in pairs]
    assert (table["split"] == "train").sum() == len(table) // 2
    task = Task(settings, [tmp_path / "split.parquet"], torch.device("cpu"))
    assert task.pairs.tolist() == [list(pair) for pair in pairs]
    assert task.targets.tolist() == table["c"].tolist()


@pytest.mark.parametrize("p", [3, 13, 113])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_exponents_to_the_base_of_the_smallest_generator_add_up(operation, p):
    n, pairs = order(p, operation), operation_pairs(p, operation)
    expected = numbers(p, operation)[targets(all_pairs(n), n)]
    assert torch.equal(answer(pairs, p, operation), expected)
    assert numbers(7, "multiply").tolist() == [1, 3, 2, 6, 4, 5]  # 2³ = 1: no generator


@pytest.mark.parametrize("operation", OPERATIONS[1:])
def test_a_network_gives_the_same_logits_read_as_addition_as_does_its_run(tmp_path, operation):
    network = random_network(operation=operation)
    p = network.settings["p"]
    read, n = as_addition(network), order(p, operation)
    given = operation_pairs(p, operation)[None]
    expected = addition.forward(network.weights, given, network.architecture)
    expected = expected[..., numbers(p, operation)]
    same = (all_pairs(n)[None], read.architecture)
    torch.testing.assert_close(addition.forward(read.weights, *same), expected)
    torch.testing.assert_close(addition.run(read.weights, *same)[:, :, 2], expected)
    right = (expected[0].argmax(-1) == targets(all_pairs(n), n)).double().mean()
    answers = answers_with(read.weights, read.architecture, read.weights["embed.W_E"][0])
    assert answers.right.mean() == right
    patched, prompts = Patched(read), draw_prompt_pairs(n, 10, 0)
    every = [Patch(POST, index=torch.ones(read.architecture.d_mlp, dtype=torch.bool))]
    torch.testing.assert_close(patched.hooked(every, prompts), patched.closed_form(every, prompts))
    run = Run(write_run(tmp_path, network.settings, single(network.weights)))
    found = exact_at(run, 0, run.steps(0)[-1], torch.device("cpu"))
    assert found.settings == read.settings
    assert all(torch.equal(found.weights[name], own) for name, own in read.weights.items())


def test_a_network_that_multiplies_has_the_circuit_of_a_clock():
    p, keys = 59, (4, 17)
    weights, architecture = multiplying_network(p, keys)
    pairs = operation_pairs(p, "multiply")
    logits = addition.forward(weights, pairs[None], architecture)[0]
    assert torch.equal(logits.argmax(-1), answer(pairs, p, "multiply"))
    read = as_addition(final(weights, architecture, operation="multiply"))
    row = circuit.measure(read)["circuit"][0]
    assert row["key_frequencies"] == row["keys_w_e"] == row["keys_neurons"] == "4 17"
    assert row["logit_fve"] > 0.97
    of_numbers = circuit.measure(final(weights, architecture))["circuit"][0]
    assert of_numbers["key_frequencies"] == ""
