"""Activation patching in final networks, by TransformerLens's hooks and in closed form.

Every neuron of the last layer alone, then sets of neurons, heads, positions and whole layers. Pairs
of prompts are random ones that the network answers right; half of them rank the neurons, all else
is measured on the other half.
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
from mechanics.models.lens import to_lens
from mechanics.models.transformer import Architecture
from mechanics.models.weights import Network
from mechanics.runtime.seeds import generator

N_PROMPTS = 400  # pairs drawn; half of those that are answered rank, the other half judges
N_SIZES = 32  # points of the cumulative curve
N_CONTROLS = 5  # random orders of the neurons
POST, MLP_OUT = "blocks.0.mlp.hook_post", "blocks.0.hook_mlp_out"  # of one layer
Groups = dict[tuple[str, str], Patch]  # by kind and name


class Patched:
    """One replica; ``lens`` is None where TransformerLens has no such network.

    ``exact``: one layer without LayerNorm, where the closed form holds.
    """

    def __init__(self, network: Network):
        own = self.parameters, self.architecture = network.weights, network.architecture
        self.lens = to_lens(*own) if self.architecture.attention == "softmax" else None
        self.activations, self.W_L = addition_activations(*own), neuron_logits(*own)
        self.exact = self.architecture.reads_neurons_directly
        self.neurons = neuron_frequencies(self.activations.hook_post[-1], self.W_L.shape[1])

    def hooked(self, patches: list[Patch], prompts: PromptPairs) -> Tensor:
        """Effects [patch, prompt]; nan where TransformerLens has no such network."""
        if self.lens is None or not prompts.numel():
            return nothing(len(patches), prompts)
        return patching.hooked_effects(self.lens, patches, prompts, self.architecture)

    def neuron_effects(self, prompts: PromptPairs) -> Tensor:
        """Effects [prompt, neuron] in closed form."""
        return patching.direct_effects(self.activations.hook_post[-1], self.W_L, prompts)

    def closed_form(self, patches: list[Patch], prompts: PromptPairs) -> Tensor:
        """Effects [patch, prompt] of neurons and of attention's direct path; nan for all else."""
        effects = nothing(len(patches), prompts)
        if not self.exact:
            return effects
        neurons = self.neuron_effects(prompts)
        attn_out, W_U = self.activations.attn_out[-1], self.parameters["unembed.W_U"][0]
        for own, patch in zip(effects, patches, strict=True):
            if patch.hook == POST:
                own[:] = neurons @ patch.index.double()
            elif patch.hook == MLP_OUT:
                own[:] = neurons.sum(dim=1)
            elif patch.frozen:
                own[:] = patching.direct_effects(attn_out, W_U, prompts).sum(dim=1)
        return effects

    def recovered(self, hooked: Tensor, exact: Tensor, prompts: PromptPairs) -> dict[str, Tensor]:
        """Recovery [patch] by hooks, or without these in closed form, and its standard error; and
        that in closed form."""
        gap = patching.metric_gap(self.activations.logits, prompts)
        share, error = recovery(exact if self.lens is None else hooked, gap)
        closed = recovery(exact, gap)[0]
        return {"recovery": share, "recovery_se": error, "recovery_closed_form": closed}


def nothing(n: int, prompts: PromptPairs) -> Tensor:
    """nan for the effects of ``n`` patches."""
    shape = (n, prompts.shape[1])
    return torch.full(shape, torch.nan, dtype=torch.float64, device=prompts.device)


def measure(network: Network, n_prompts: int = N_PROMPTS) -> dict[str, list[dict]]:
    """``patched_neurons``, a row per neuron, and ``patched_groups``, a row per group."""
    own = Patched(network)
    prompts = patching.usable_prompts(own.activations.logits, n_prompts, network.seed)
    half = prompts.shape[1] // 2
    ranking, judging = prompts[:, :half], prompts[:, half : 2 * half]
    groups = parts_of_network(own.architecture)
    if own.exact:
        groups |= sets_of_neurons(own, ranking, network.seed)
    rows = [
        row
        for direction, pairs in (("denoising", judging), ("noising", judging.flip(0)))
        for row in group_rows(own, groups, direction, pairs)
    ]
    return {"patched_neurons": neuron_rows(own, judging), "patched_groups": rows}


def neuron_rows(network: Patched, prompts: PromptPairs) -> list[dict]:
    """One row per neuron of the last layer, patched alone into the corrupted run.

    Effects are means over the pairs, in logits; ``deviation`` is the largest difference of hooked
    effect and closed form in any pair. All is nan where there is no closed form.
    """
    d_mlp, n_pairs = network.architecture.d_mlp, prompts.shape[1]
    prompts = prompts if network.exact else prompts[:, :0]
    each = torch.eye(d_mlp, dtype=torch.bool, device=prompts.device)
    patches = [Patch(POST, index=mask) for mask in each]
    hooked, exact = network.hooked(patches, prompts), network.closed_form(patches, prompts)
    recovered, apart = network.recovered(hooked, exact, prompts), (hooked - exact).abs()
    columns = {
        "neuron": torch.arange(d_mlp),
        "frequency": network.neurons.frequency,
        "fve": network.neurons.fve,
        "effect_hooked": hooked.mean(dim=1),
        "effect_closed_form": exact.mean(dim=1),
        "deviation": apart.amax(dim=1) if prompts.numel() else apart.mean(dim=1),
        "recovery": recovered["recovery"],
        "recovery_se": recovered["recovery_se"],
    }
    rows = pd.DataFrame({name: column.cpu().numpy() for name, column in columns.items()})
    return rows.assign(n_pairs=n_pairs).to_dict("records")


def group_rows(
    network: Patched, groups: Groups, direction: str, prompts: PromptPairs
) -> list[dict]:
    """Recovery of every group in one direction."""
    patches = [*groups.values()]
    hooked, exact = network.hooked(patches, prompts), network.closed_form(patches, prompts)
    rows = pd.DataFrame(groups.keys(), columns=["kind", "name"])
    rows["n_neurons"] = [int(patch.index.sum()) if patch.hook == POST else 0 for patch in patches]
    recovered = network.recovered(hooked, exact, prompts)
    columns = {name: values.cpu().numpy() for name, values in recovered.items()}
    rows = rows.assign(direction=direction, **columns, n_pairs=prompts.shape[1])
    return rows.to_dict("records")


def sets_of_neurons(network: Patched, ranking: PromptPairs, seed: int) -> Groups:
    """Clusters, the top n, and random sets of each such size.

    Neurons are ranked by their mean effect on the pairs kept for this.
    """
    d_mlp = network.architecture.d_mlp
    keys = key_frequencies(frequency_shares(network.W_L.T))
    clusters = patching.cluster_sets(network.neurons.frequency, keys)
    curve = sorted({round(d_mlp * i / N_SIZES) for i in range(1, N_SIZES + 1)} - {0})
    sizes = sorted({*curve, *(int(mask.sum()) for mask in clusters.values())} - {0})
    effects = network.neuron_effects(ranking).mean(0)
    top = patching.neuron_sets(effects.argsort(descending=True).cpu(), curve)
    sets = {("cluster", name): mask for name, mask in clusters.items()}
    sets |= {("top", str(n)): mask for n, mask in zip(curve, top, strict=True)}
    for control in range(N_CONTROLS):
        shuffled = torch.randperm(d_mlp, generator=generator("bootstrap", seed, 1 + control))
        for n, mask in zip(sizes, patching.neuron_sets(shuffled, sizes), strict=True):
            sets["random", f"{n} neurons, order {control}"] = mask
    return {name: Patch(POST, index=mask.to(effects.device)) for name, mask in sets.items()}


def parts_of_network(own: Architecture) -> Groups:
    """Heads, positions, MLPs and attention of every layer.

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
        parts["attention", "L0 direct"] = Patch("blocks.0.hook_attn_out", frozen=(POST,))
    return parts
