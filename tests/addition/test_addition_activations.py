"""The activations are those of the network."""

import pytest
import torch
from helpers import addition_network, addition_settings, random_weights

from mechanics.addition.activations import addition_activations
from mechanics.addition.pairs import all_pairs
from mechanics.models import addition
from mechanics.models.transformer import Architecture

P = 11


def network(attention: str, n_layers: int, layer_norm: bool) -> tuple[dict, Architecture]:
    settings = addition_settings(attention=attention, n_layers=n_layers, layer_norm=layer_norm)
    own = addition_network(settings, random_weights(settings))
    return own.weights, own.architecture


@pytest.mark.parametrize(
    ("attention", "n_layers", "layer_norm"),
    [("softmax", 1, False), ("linear", 1, False), ("softmax", 3, True)],
)
def test_all_are_those_of_every_position_of_every_pair_computed(attention, n_layers, layer_norm):
    parameters, architecture = network(attention, n_layers, layer_norm)
    found, whole = addition_activations(parameters, architecture), {}
    logits = addition.run(parameters, all_pairs(P)[None], architecture, whole)[0, :, 2]
    torch.testing.assert_close(found.logits, logits, atol=1e-10, rtol=0)
    for layer in range(n_layers):
        for name, hook in (
            ("pattern", "attn.hook_pattern"),
            ("attn_out", "hook_attn_out"),
            ("hook_post", "mlp.hook_post"),
        ):
            at = whole[f"blocks.{layer}.{hook}"][0]
            at_equals = at[:, :, 2] if name == "pattern" else at[:, 2]
            torch.testing.assert_close(getattr(found, name)[layer], at_equals, atol=1e-10, rtol=0)
    at_start = whole["blocks.0.hook_resid_pre"][0, :, 2]
    torch.testing.assert_close(found.resid_embed.expand_as(at_start), at_start)
