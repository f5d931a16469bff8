"""Activation patching in final networks, through TransformerLens.

Every neuron of the last layer alone, then sets of neurons, heads, positions and whole layers, by
hooks and, where there is one, in closed form. Pairs of prompts are random ones that the network
answers right; one half of them ranks the neurons, all else is measured on the other half.
"""

import pandas as pd
import torch
from torch import Tensor

from mechanics.addition import patching
from mechanics.addition.activations import addition_activations, neuron_logits
from mechanics.addition.attention import POSITIONS
from mechanics.addition.fourier import frequency_shares, key_frequencies
from mechanics.addition.neurons import neuron_frequencies
from mechanics.addition.patching import Patch, PromptPairs, recovery
from mechanics.models.transformer import Architecture
from mechanics.models.weights import Network
from mechanics.runtime.seeds import generator

N_PROMPTS = 400  # pairs drawn; half of those that are answered rank, the other half judges
N_SIZES = 32  # points of the cumulative curve
N_CONTROLS = 5  # random orders of the neurons
DIRECT = ("attention", "L0 direct")


class Patched:
    """One replica; ``lens`` is None where TransformerLens has no such network.

    ``exact``: one layer without LayerNorm, where the closed form holds.
    """

    def __init__(self, network: Network):
        from mechanics.models.lens import to_lens  # noqa: PLC0415 (importing it takes seconds)

        own = self.parameters, self.architecture = network.weights, network.architecture
        self.p = network.settings["p"]
        self.lens = to_lens(*own) if self.architecture.attention == "softmax" else None
        self.activations, self.W_L = addition_activations(*own), neuron_logits(*own)
        self.exact = self.architecture.reads_neurons_directly

    def hooked_effects(self, patches: list[Patch], prompts: PromptPairs) -> Tensor:
        """Effects [patch, prompt]; nan where TransformerLens has no such network."""
        if self.lens is None or not prompts.numel():
            return nothing(len(patches), prompts)
        return patching.hooked_effects(self.lens, patches, prompts, self.architecture)


def patched(
    networks: list[Network], splits: dict[int, pd.DataFrame], n_prompts: int = N_PROMPTS
) -> dict[str, pd.DataFrame]:
    """``patched_neurons``, a row per neuron, and ``patched_groups``, a row per group."""
    neurons, groups = [], []
    for own in networks:
        network, seed = Patched(own), own.seed
        prompts = patching.usable_prompts(network.activations.logits, n_prompts, seed)
        half = prompts.shape[1] // 2
        ranking, judging = prompts[:, :half], prompts[:, half : 2 * half]
        neurons += [{"seed": seed, **row} for row in neuron_rows(network, judging)]
        groups += [{"seed": seed, **row} for row in group_rows(network, ranking, judging, seed)]
    return {"patched_neurons": pd.DataFrame(neurons), "patched_groups": pd.DataFrame(groups)}


def neuron_rows(network: Patched, prompts: PromptPairs) -> list[dict]:
    """One row per neuron of the last layer, patched alone into the corrupted run.

    Effects are means over the pairs, in logits; ``deviation`` is the largest difference of hooked
    effect and closed form in any pair.
    """
    d_mlp = network.architecture.d_mlp
    found = neuron_frequencies(network.activations.hook_post[-1], network.p)
    each = torch.eye(d_mlp, dtype=torch.bool, device=prompts.device)
    hooked, exact = effects_of_sets(network, each, prompts)
    best = exact if network.lens is None else hooked
    share, error = recovery(best, patching.metric_gap(network.activations.logits, prompts))
    apart = (hooked - exact).abs()
    columns = {
        "neuron": torch.arange(d_mlp),
        "frequency": found.frequency,
        "fve": found.fve,
        "effect_hooked": hooked.mean(dim=1),
        "effect_closed_form": exact.mean(dim=1),
        "deviation": apart.amax(dim=1) if prompts.numel() else apart.mean(dim=1),
        "recovery": share,
        "recovery_se": error,
    }
    rows = pd.DataFrame({name: column.cpu().numpy() for name, column in columns.items()})
    return rows.assign(n_pairs=prompts.shape[1]).to_dict("records")


def effects_of_sets(network: Patched, masks: Tensor, prompts: PromptPairs) -> tuple[Tensor, Tensor]:
    """Effects [set, prompt] of sets of the last layer's neurons, hooked and in closed form."""
    if not network.exact:
        return nothing(len(masks), prompts), nothing(len(masks), prompts)
    effects = patching.neuron_effects(network.activations, network.W_L, prompts)
    patches = [Patch("blocks.0.mlp.hook_post", index=mask) for mask in masks]
    return network.hooked_effects(patches, prompts), masks.double() @ effects.T


def nothing(n: int, prompts: PromptPairs) -> Tensor:
    """nan for the effects of ``n`` patches."""
    shape = (n, prompts.shape[1])
    return torch.full(shape, torch.nan, dtype=torch.float64, device=prompts.device)


def group_rows(
    network: Patched, ranking: PromptPairs, judging: PromptPairs, seed: int
) -> list[dict]:
    """Recovery of every group in both directions.

    ``recovery`` is the hooked one, and the closed form where TransformerLens has no such network;
    ``recovery_closed_form`` stands beside it where there is one.
    """
    parts, (names, masks) = parts_of_network(network.architecture), ([], None)
    if network.exact:
        names, masks = sets_of_neurons(network, ranking, seed)
    groups = [(*part, 0) for part in parts]
    groups += [(*name, int(mask.sum())) for name, mask in zip(names, masks or [], strict=True)]
    rows = []
    for direction, prompts in (("denoising", judging), ("noising", judging.flip(0))):
        hooked = network.hooked_effects([*parts.values()], prompts)
        exact = closed_form_of_parts(network, parts, prompts)
        if names:
            of_sets = effects_of_sets(network, torch.stack(masks), prompts)
            hooked, exact = (torch.cat(both) for both in zip((hooked, exact), of_sets, strict=True))
        best = exact if network.lens is None else hooked
        gap = patching.metric_gap(network.activations.logits, prompts)
        shares, errors = (values.tolist() for values in recovery(best, gap))
        closed = recovery(exact, gap)[0].tolist()
        for i, (kind, name, n_neurons) in enumerate(groups):
            row = {"kind": kind, "name": name, "n_neurons": n_neurons, "direction": direction}
            row |= {"recovery": shares[i], "recovery_se": errors[i]}
            rows.append(row | {"recovery_closed_form": closed[i], "n_pairs": prompts.shape[1]})
    return rows


def sets_of_neurons(
    network: Patched, ranking: PromptPairs, seed: int
) -> tuple[list[tuple[str, str]], list[Tensor]]:
    """Kind, name and mask of every set: clusters, the top n, and random sets of each such size.

    Neurons are ranked by their mean effect on the pairs kept for this.
    """
    d_mlp = network.architecture.d_mlp
    found = neuron_frequencies(network.activations.hook_post[-1], network.p)
    keys = key_frequencies(frequency_shares(network.W_L.T))
    clusters = patching.cluster_sets(found.frequency, keys)
    steps = {round(d_mlp * i / N_SIZES) for i in range(1, N_SIZES + 1)} - {0}
    order = patching.neuron_effects(network.activations, network.W_L, ranking).mean(0)
    top = patching.neuron_sets(order.argsort(descending=True).cpu(), sorted(steps))
    names = [("cluster", name) for name in clusters]
    names += [("top", str(n)) for n in sorted(steps)]
    masks = [*clusters.values(), *top]
    sizes = sorted(steps | {int(mask.sum()) for mask in clusters.values()} - {0})
    for control in range(N_CONTROLS):
        shuffled = torch.randperm(d_mlp, generator=generator("bootstrap", seed, 1 + control))
        masks += [*patching.neuron_sets(shuffled, sizes)]
        names += [("random", f"{n} neurons, order {control}") for n in sizes]
    return names, [mask.to(order.device) for mask in masks]


def parts_of_network(own: Architecture) -> dict[tuple[str, str], Patch]:
    """By kind and name the patch of heads, positions, MLPs and attention of every layer.

    Attention "direct" does not act through the MLP above it: one layer's only.
    """
    parts = {}
    for layer in range(own.n_layers):
        block, name = f"blocks.{layer}", f"L{layer}"
        for head in range(own.n_heads):
            parts["head", f"{name}H{head}"] = Patch(f"{block}.attn.hook_z", index=head)
        for position, token in enumerate(POSITIONS):
            parts["position", f"{name} {token}"] = Patch(f"{block}.hook_resid_pre", position)
        parts["mlp", name] = Patch(f"{block}.hook_mlp_out")
        parts["attention", name] = Patch(f"{block}.hook_attn_out")
    if own.n_layers == 1:
        frozen = ("blocks.0.mlp.hook_post",)
        parts[DIRECT] = Patch("blocks.0.hook_attn_out", frozen=frozen)
    return parts


def closed_form_of_parts(
    network: Patched, parts: dict[tuple[str, str], Patch], prompts: PromptPairs
) -> Tensor:
    """Effects of the MLP and of attention's direct path; nan for parts that act through the MLP."""
    effects = nothing(len(parts), prompts)
    if network.exact:
        own, names = network.activations, list(parts)
        W_U = network.parameters["unembed.W_U"][0]
        neurons = patching.neuron_effects(own, network.W_L, prompts)
        effects[names.index(("mlp", "L0"))] = neurons.sum(dim=1)
        effects[names.index(DIRECT)] = patching.attention_direct_effects(own, W_U, prompts)
    return effects
