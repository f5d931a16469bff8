"""The activations are those of the network."""

import pytest
import torch
from helpers import random_network

from mechanics.addition.activations import addition_activations
from mechanics.addition.pairs import all_pairs
from mechanics.models import addition

HOOKS = ("attn.hook_pattern", "hook_attn_out", "mlp.hook_post")


@pytest.mark.parametrize("attention", ["softmax", "linear"])
def test_all_are_those_of_every_position_of_every_pair_computed(attention):
    own, whole = random_network(attention=attention, n_layers=3, layer_norm=True), {}
    found = addition_activations(own.weights, own.architecture)
    pairs = all_pairs(own.settings["p"])[None]
    logits = addition.run(own.weights, pairs, own.architecture, whole)[0, :, 2]
    torch.testing.assert_close(found.logits, logits, atol=1e-10, rtol=0)
    for layer in range(3):
        block = {name: whole[f"blocks.{layer}.{name}"][0] for name in HOOKS}
        at_equals = [block["attn.hook_pattern"][:, :, 2], *(block[n][:, 2] for n in HOOKS[1:])]
        own = [found.pattern[layer], found.attn_out[layer], found.hook_post[layer]]
        torch.testing.assert_close(own, at_equals, atol=1e-10, rtol=0)
    at_start = whole["blocks.0.hook_resid_pre"][0, :, 2]
    torch.testing.assert_close(found.resid_embed.expand_as(at_start), at_start)
