"""Effects of patches in networks whose answer is known, by closed form and by hooks."""

import pytest
import torch
from clock_network import clock_network

from mechanics.addition.activations import addition_activations, neuron_logits
from mechanics.addition.neurons import neuron_frequencies
from mechanics.addition.pairs import targets
from mechanics.addition.patching import (
    Patch,
    PromptPairs,
    answered,
    attention_direct_effects,
    cluster_sets,
    draw_prompt_pairs,
    hooked_effects,
    metric_gap,
    neuron_effects,
    neuron_sets,
    recovery,
)
from mechanics.models import addition
from mechanics.models.lens import to_lens
from mechanics.models.transformer import Architecture, initialise

P = 13
POST, ATTN_OUT = "blocks.0.mlp.hook_post", "blocks.0.hook_attn_out"


def random_network(n_layers=1, layer_norm=False, attention="softmax"):
    architecture = Architecture(attention, n_layers, 2, 8, 4, 12, layer_norm)
    shapes = addition.parameter_shapes(architecture, P)
    weights = initialise(shapes, 0.5, torch.Generator().manual_seed(0))
    return {name: tensor[None].double() for name, tensor in weights.items()}, architecture


def closed_form(parameters, architecture, prompts):
    """Effects of neurons and of attention's direct path, and the gap."""
    activations = addition_activations(parameters, architecture)
    return (
        neuron_effects(activations, neuron_logits(parameters, architecture), prompts),
        attention_direct_effects(activations, parameters["unembed.W_U"][0], prompts),
        metric_gap(activations.logits, prompts),
    )


def each_neuron(d_mlp: int) -> list[Patch]:
    return [Patch(POST, index=mask) for mask in torch.eye(d_mlp, dtype=torch.bool)]


@pytest.fixture(scope="module")
def clock():
    return clock_network(P, [2, 5])


def test_prompt_pairs_are_uniform_over_those_with_different_answers():
    prompts = draw_prompt_pairs(P, 40_000, 0)
    c, other = targets(prompts.clean, P), targets(prompts.corrupted, P)
    assert not (c == other).any()
    for drawn in (prompts.clean[:, 0], prompts.clean[:, 1], *prompts.corrupted.T):
        counts = torch.bincount(drawn, minlength=P)
        assert (counts - 40_000 / P).abs().max() < 5 * (40_000 / P) ** 0.5
    shifts = torch.bincount((other - c) % P, minlength=P)[1:]
    assert (shifts - 40_000 / (P - 1)).abs().max() < 5 * (40_000 / (P - 1)) ** 0.5


def test_prompt_pairs_are_those_of_the_seed():
    first, again = draw_prompt_pairs(P, 9, 1), draw_prompt_pairs(P, 9, 1)
    assert torch.equal(first.corrupted, again.corrupted)
    assert not torch.equal(first.clean, draw_prompt_pairs(P, 9, 2).clean)


@pytest.mark.parametrize("attention", ["softmax", "linear"])
def test_neurons_and_the_direct_path_of_attention_add_up_to_the_gap(attention):
    prompts = draw_prompt_pairs(P, 30, 0)
    neurons, direct, gap = closed_form(*random_network(attention=attention), prompts)
    torch.testing.assert_close(neurons.sum(1) + direct, gap, atol=1e-10, rtol=0)


@pytest.mark.parametrize("direction", ["denoising", "noising"])
@pytest.mark.parametrize("hand_built", [False, True])
def test_hooks_agree_with_the_closed_form(hand_built, direction, clock):
    parameters, architecture = clock if hand_built else random_network()
    prompts = draw_prompt_pairs(P, 10, 0)
    prompts = prompts if direction == "denoising" else prompts.swapped()
    neurons, direct, gap = closed_form(parameters, architecture, prompts)
    every = torch.ones(architecture.d_mlp, dtype=torch.bool)
    some = neuron_sets(torch.arange(architecture.d_mlp).flip(0), [5])[0]
    patches = each_neuron(architecture.d_mlp)
    patches += [Patch(POST, index=some), Patch(POST, index=every), Patch("blocks.0.hook_mlp_out")]
    patches += [Patch(ATTN_OUT, frozen=[POST]), Patch(ATTN_OUT)]
    found = hooked_effects(to_lens(parameters, architecture), patches, prompts, architecture)
    groups = [neurons[:, some].sum(1), neurons.sum(1), neurons.sum(1), direct, gap]
    expected = torch.cat([neurons.T, torch.stack(groups)])
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, expected, atol=1e-8, rtol=0)


def test_hooks_agree_with_transformer_lens_own_patching():
    from transformer_lens.patching import get_act_patch_attn_head_out_by_pos  # noqa: PLC0415

    parameters, architecture = random_network(n_layers=2, layer_norm=True)
    model, prompts = to_lens(parameters, architecture).eval(), draw_prompt_pairs(P, 10, 0)
    clean, corrupted = (
        torch.nn.functional.pad(side, (0, 1), value=P)
        for side in (prompts.clean, prompts.corrupted)
    )
    c, other = targets(prompts.clean, P), targets(prompts.corrupted, P)
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


def test_effects_add_up_where_the_network_is_linear_in_what_is_patched():
    parameters, architecture = random_network(n_layers=2, layer_norm=True)
    model, prompts = to_lens(parameters, architecture), draw_prompt_pairs(P, 10, 0)
    gap = metric_gap(addition_activations(parameters, architecture).logits, prompts)
    last = hooked_effects(model, [Patch("blocks.1.hook_resid_post")], prompts, architecture)[0]
    torch.testing.assert_close(last, gap, atol=1e-10, rtol=0)


def test_all_positions_of_the_stream_recover_the_answer(clock):
    parameters, architecture = clock
    prompts = draw_prompt_pairs(P, 20, 0)
    model = to_lens(parameters, architecture)
    gap = metric_gap(addition_activations(parameters, architecture).logits, prompts)
    whole = Patch("blocks.0.hook_resid_pre", position=slice(None))
    single = [Patch("blocks.0.hook_resid_pre", position=i) for i in (0, 1, 2)]
    effects = hooked_effects(model, [whole, *single], prompts, architecture)
    torch.testing.assert_close(effects[0], gap, atol=1e-10, rtol=0)
    assert not effects[3].any()  # before the first layer "=" is the same in all prompts
    share = recovery(effects, gap)[0]
    assert (share[1:3] < 0.9).all()


def test_clock_is_recovered_by_its_neurons_cluster_by_cluster(clock):
    parameters, architecture = clock
    activations = addition_activations(parameters, architecture)
    prompts = draw_prompt_pairs(P, 200, 0)
    assert answered(activations.logits, prompts).all()
    effects, direct, gap = closed_form(parameters, architecture, prompts)
    sets = cluster_sets(neuron_frequencies(activations.hook_post[0], P).frequency, [2, 5])
    half = architecture.d_mlp // 2
    sizes = {name: int(mask.sum()) for name, mask in sets.items()}
    assert sizes == {"2": half, "5": half, "other": 0}
    shares = {name: recovery(effects[:, mask].sum(1), gap)[0] for name, mask in sets.items()}
    assert float(sum(shares.values())) == pytest.approx(1, abs=1e-10)
    assert min(shares["2"], shares["5"]) > 0.3
    assert shares["other"] == 0
    assert float(recovery(direct, gap)[0]) == pytest.approx(0, abs=1e-10)


def test_a_group_that_carries_all_of_one_frequency_recovers_all():
    parameters, architecture = clock_network(P, [3])
    prompts = draw_prompt_pairs(P, 50, 0)
    effects, _, gap = closed_form(parameters, architecture, prompts)
    share, error = recovery(effects.sum(1), gap)
    assert (float(share), float(error)) == pytest.approx((1, 0), abs=1e-10)


def test_recovery_and_its_standard_error():
    gap = torch.tensor([2.0, 4.0, 0.0], dtype=torch.float64)
    effects = torch.tensor([[1.0, 1.0, 0.0], [2.0, 4.0, 0.0]], dtype=torch.float64)
    share, error = recovery(effects, gap)
    assert share.tolist() == [0.375, 1.0]
    assert error.tolist() == pytest.approx([0.125, 0.0])  # std 0.125 √2 over √2


def test_identical_prompts_have_no_recovery():
    prompts = draw_prompt_pairs(P, 5, 0)
    same = PromptPairs(prompts.clean, prompts.clean)
    effects, _, gap = closed_form(*random_network(), same)
    assert not gap.any()
    assert recovery(effects.T, gap)[0].isnan().all()
    both = PromptPairs(
        torch.cat([prompts.clean, same.clean]), torch.cat([prompts.corrupted, same.corrupted])
    )
    with_them, _, gap_both = closed_form(*random_network(), both)
    without, _, gap = closed_form(*random_network(), prompts)
    torch.testing.assert_close(recovery(with_them.T, gap_both), recovery(without.T, gap))


def test_no_pair_and_a_single_pair():
    one = torch.ones(3, 1, dtype=torch.float64)
    share, error = recovery(one, one[0])
    assert share.tolist() == [1, 1, 1]
    assert error.isnan().all()
    assert all(result.isnan().all() for result in recovery(one[:, :0], one[0, :0]))


def test_random_network_answers_hardly_any_pair():
    logits = addition_activations(*random_network()).logits
    prompts = draw_prompt_pairs(P, 1000, 0)
    chosen = prompts[answered(logits, prompts)]
    assert len(chosen) < 30
    assert (metric_gap(logits, chosen) > 0).all()


def test_sets_of_neurons():
    order = torch.tensor([2, 0, 1])
    assert neuron_sets(order, [0, 1, 2]).tolist() == [
        [False, False, False],
        [False, False, True],
        [True, False, True],
    ]
    assert cluster_sets(torch.tensor([4, 0, 7]), []) == {}
    sets = cluster_sets(torch.tensor([4, 0, 7]), [7, 9])
    assert {name: mask.tolist() for name, mask in sets.items()} == {
        "7": [False, False, True],
        "9": [False, False, False],
        "other": [True, True, False],
    }
