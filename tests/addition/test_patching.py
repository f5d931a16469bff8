"""Effects of patches in networks whose answer is known, by closed form and by hooks."""

import math

import pytest
import torch
from helpers import random_network

from mechanics.addition.activations import addition_activations, neuron_logits
from mechanics.addition.pairs import all_pairs, targets
from mechanics.addition.patching import (
    Patch,
    cluster_sets,
    direct_effects,
    draw_prompt_pairs,
    hooked_effects,
    metric_gap,
    neuron_sets,
    recovery,
    usable_prompts,
)
from mechanics.models.lens import to_lens

P = 13
POST, ATTN_OUT = "blocks.0.mlp.hook_post", "blocks.0.hook_attn_out"


def closed_form(network, prompts):
    """Effects of neurons and of attention's direct path, and the gap."""
    activations = addition_activations(network.weights, network.architecture)
    W_L = neuron_logits(network.weights, network.architecture)
    W_U = network.weights["unembed.W_U"][0]
    return (
        direct_effects(activations.hook_post[-1], W_L, prompts),
        direct_effects(activations.attn_out[-1], W_U, prompts).sum(dim=1),
        metric_gap(activations.logits, prompts),
    )


def test_prompt_pairs_are_uniform_over_those_with_different_answers():
    prompts = draw_prompt_pairs(P, 40_000, 0)
    c, other = targets(prompts, P)
    assert not (c == other).any()
    for drawn in prompts.permute(0, 2, 1).flatten(0, 1):
        counts = torch.bincount(drawn, minlength=P)
        assert (counts - 40_000 / P).abs().max() < 5 * (40_000 / P) ** 0.5
    shifts = torch.bincount((other - c) % P, minlength=P)[1:]
    assert (shifts - 40_000 / (P - 1)).abs().max() < 5 * (40_000 / (P - 1)) ** 0.5
    assert torch.equal(prompts, draw_prompt_pairs(P, 40_000, 0))
    assert not torch.equal(prompts, draw_prompt_pairs(P, 40_000, 1))


def test_hooks_agree_with_the_closed_form_whose_parts_add_up_to_the_gap():
    prompts = draw_prompt_pairs(P, 10, 0)
    for attention in ("linear", "softmax"):
        network = random_network(p=P, attention=attention)
        neurons, direct, gap = closed_form(network, prompts)
        torch.testing.assert_close(neurons.sum(1) + direct, gap, atol=1e-10, rtol=0)
    own, d_mlp = network.architecture, network.architecture.d_mlp
    every = torch.ones(d_mlp, dtype=torch.bool)
    some = neuron_sets(torch.arange(d_mlp).flip(0), [5])[0]
    patches = [Patch(POST, index=mask) for mask in torch.eye(d_mlp).bool()]
    patches += [Patch(POST, index=some), Patch(POST, index=every), Patch("blocks.0.hook_mlp_out")]
    patches += [Patch(ATTN_OUT, frozen=[POST]), Patch(ATTN_OUT)]
    found = hooked_effects(to_lens(network.weights, own), patches, prompts, own)
    groups = [neurons[:, some].sum(1), neurons.sum(1), neurons.sum(1), direct, gap]
    expected = torch.cat([neurons.T, torch.stack(groups)])
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, expected, atol=1e-8, rtol=0)


def test_hooks_agree_with_transformer_lens_own_and_the_whole_stream_recovers_the_answer():
    from transformer_lens.patching import get_act_patch_attn_head_out_by_pos  # noqa: PLC0415

    network = random_network(p=P, n_layers=2, layer_norm=True)
    weights, architecture = network.weights, network.architecture
    model, prompts = to_lens(weights, architecture).eval(), draw_prompt_pairs(P, 10, 0)
    clean, corrupted = torch.nn.functional.pad(prompts, (0, 1), value=P)
    c, other = targets(prompts, P)
    rows = torch.arange(10)
    theirs = get_act_patch_attn_head_out_by_pos(
        model=model,
        corrupted_tokens=corrupted,
        clean_cache=model.run_with_cache(clean)[1],
        patching_metric=lambda logits: logits[rows, 2, c] - logits[rows, 2, other],
        reduce="none",
        baseline=True,
    ).effect()[:, 2]
    patches = [Patch(f"blocks.{i}.attn.hook_z", index=head) for i in (0, 1) for head in (0, 1)]
    ours = hooked_effects(model, patches, prompts, architecture)
    torch.testing.assert_close(ours.float(), theirs.detach().flatten(0, 1), atol=1e-5, rtol=1e-4)
    gap = metric_gap(addition_activations(weights, architecture).logits, prompts)
    first, last = "blocks.0.hook_resid_pre", "blocks.1.hook_resid_post"
    patches = [Patch(first, position=slice(None)), Patch(last), Patch(first)]
    effects = hooked_effects(model, patches, prompts, architecture)
    torch.testing.assert_close(effects[:2], gap.expand(2, -1), atol=1e-10, rtol=0)
    assert not effects[2].any()  # before the first layer "=" is the same in all prompts


def test_recovery_and_its_standard_error():
    gap = torch.tensor([2.0, 4.0, 0.0], dtype=torch.float64)
    effects = torch.tensor([[1.0, 1.0, 0.0], [2.0, 4.0, 0.0]], dtype=torch.float64)
    nan = [math.nan] * 2
    for pairs, share, error in (
        (slice(3), [0.375, 1], [0.125, 0]),  # std 0.125 √2 over √2
        (slice(1), [0.5, 1], nan),
        (slice(0), nan, nan),
        (slice(2, 3), nan, nan),  # a pair without a gap
    ):
        found = [own.tolist() for own in recovery(effects[:, pairs], gap[pairs])]
        assert found == [pytest.approx(own, nan_ok=True) for own in (share, error)]
    same = draw_prompt_pairs(P, 5, 0)[[0, 0]]
    assert not closed_form(random_network(p=P), same)[2].any()


def test_prompts_of_which_both_are_answered_are_used():
    network = random_network(p=P)
    logits = addition_activations(network.weights, network.architecture).logits
    right = logits.argmax(dim=1) == targets(all_pairs(P), P)
    own = usable_prompts(logits, 1000, 0)
    assert 0 < own.shape[1] < 30
    assert all(right[a * P + b] for a, b in own.flatten(0, 1).tolist())
    assert (metric_gap(logits, own) > 0).all()


def test_sets_of_neurons():
    masks = [[False, False, False], [False, False, True], [True, False, True]]
    assert neuron_sets(torch.tensor([2, 0, 1]), [0, 1, 2]).tolist() == masks
    frequencies = torch.tensor([4, 0, 7])
    assert cluster_sets(frequencies, []) == {}
    sets = {name: own.tolist() for name, own in cluster_sets(frequencies, [7, 9]).items()}
    assert sets == {"7": masks[1], "9": masks[0], "other": [True, True, False]}
