"""Activation patching: what a part of the network carries from one prompt to the answer of another.

The network reads a corrupted prompt (a', b'), but one activation is replaced by what it is for a
clean prompt (a, b). The metric is m = L[c] − L[c'], the logit of the clean answer over that of the
corrupted one; an effect is what the patch adds to m, and its recovery the effect as a share of the
gap m_clean − m_corrupted (Meng et al. 2022; Heimersheim & Nanda 2024). With the prompts swapped
the same effect is the damage that the corrupted activation does in the clean run: "noising".

In one layer without LayerNorm the effect of a neuron is known beforehand. Patching neuron i at "="
adds Δn_i W_L[i] to the logits, whatever else happens: effects of neurons add up to that of the MLP,
and with the direct path of attention to the whole gap.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from mechanics.addition.fourier import Logits
from mechanics.addition.pairs import targets
from mechanics.models import addition
from mechanics.models.transformer import Architecture
from mechanics.runtime.seeds import generator

EQUALS = 2  # the position of "="
AT_ONCE = 8  # patches in one forward pass

# Clean prompts (a, b), then those corrupted; flipped, denoising is noising
PromptPairs = Int[Tensor, "2 prompt 2"]


def draw_prompt_pairs(p: int, n: int, replica: int) -> PromptPairs:
    """``n`` random pairs of prompts whose answers differ, uniform over all such pairs."""
    draw = generator("bootstrap", replica)
    clean = torch.randint(p, (n, 2), generator=draw)
    other_a = torch.randint(p, (n,), generator=draw)
    shift = torch.randint(1, p, (n,), generator=draw)  # c' − c, never 0
    other_b = (targets(clean, p) + shift - other_a) % p
    return torch.stack([clean, torch.stack([other_a, other_b], dim=1)])


def usable_prompts(logits: Logits, n: int, replica: int) -> PromptPairs:
    """Those of ``n`` random pairs of prompts of which both are answered right: their gap is > 0."""
    p = logits.shape[1]
    prompts = draw_prompt_pairs(p, n, replica).to(logits.device)
    right = logits[_rows(prompts, p)].argmax(dim=-1) == targets(prompts, p)
    return prompts[:, right.all(dim=0)]


def metric(logits: Float[Tensor, "prompt token"], prompts: PromptPairs) -> Float[Tensor, " prompt"]:
    """m = L[c] − L[c'] of each prompt, c the answer to the clean one, c' to the corrupted one."""
    right, wrong = logits.gather(1, targets(prompts, logits.shape[1]).T).unbind(dim=1)
    return right - wrong


def metric_gap(logits: Logits, prompts: PromptPairs) -> Float[Tensor, " prompt"]:
    """m_clean − m_corrupted."""
    clean, corrupted = logits[_rows(prompts, logits.shape[1])]
    return metric(clean, prompts) - metric(corrupted, prompts)


def direct_effects(
    written: Float[Tensor, "pair feature"],
    matrix: Float[Tensor, "feature token"],
    prompts: PromptPairs,
) -> Float[Tensor, "prompt feature"]:
    """Closed form of every feature of the last layer patched alone, on its way to the logits.

    Neurons with W_L, Δn_i (W_L[i, c] − W_L[i, c']), or what attention adds with W_U. Exact for a
    network without LayerNorm.
    """
    p = matrix.shape[1]
    clean, corrupted = written[_rows(prompts, p)]
    right, wrong = matrix.T[targets(prompts, p)]
    return (clean - corrupted) * (right - wrong)


def recovery(
    effects: Float[Tensor, "*patch prompt"], gap: Float[Tensor, " prompt"]
) -> tuple[Float[Tensor, "*patch"], Float[Tensor, "*patch"]]:
    """Mean of effect / gap over pairs of prompts, and its standard error.

    Pairs with a gap of 0 (identical prompts have one) have nothing to recover and are left out.
    nan without any other; of a single pair the standard error is nan.
    """
    shares = (effects / gap)[..., gap != 0]
    n = shares.shape[-1]
    error = shares.std(dim=-1) / n**0.5 if n > 1 else torch.full_like(shares.mean(-1), torch.nan)
    return shares.mean(dim=-1), error


@dataclass(frozen=True)
class Patch:
    """One activation, by its TransformerLens hook name, at one position.

    ``index`` picks a head, or neurons; None takes the whole vector. ``frozen`` are hooks kept at
    "=" as they are in the corrupted run, so that the patch cannot act through them (path patching).
    """

    hook: str
    position: int | slice = EQUALS
    index: int | Bool[Tensor, " d_mlp"] | None = None
    frozen: Sequence[str] = ()


@torch.no_grad()
def hooked_effects(
    model: nn.Module, patches: Sequence[Patch], prompts: PromptPairs, architecture: Architecture
) -> Float[Tensor, "patch prompt"]:
    """Effects of patches made with TransformerLens's hooks, ``AT_ONCE`` in each forward pass.

    ``model`` is ``models.lens.to_lens`` of this architecture, with its dtype and device.
    (``transformer_lens.patching.generic_activation_patch`` does the same, but stores float32.)
    """
    p = model.cfg.d_vocab_out
    prompts = prompts.to(model.cfg.device)
    given = addition.read(prompts, architecture, p)
    clean, corrupted = nn.functional.pad(given, (0, 1), value=p)
    names = {patch.hook for patch in patches}
    held = {name for patch in patches for name in patch.frozen}
    _, clean_cache = model.run_with_cache(clean, names_filter=lambda name: name in names)
    unpatched, own_cache = model.run_with_cache(corrupted, names_filter=lambda name: name in held)
    before = metric(unpatched[:, EQUALS], prompts)
    effects, n = [], prompts.shape[1]
    for first in range(0, len(patches), AT_ONCE):
        together, hooks = patches[first : first + AT_ONCE], []
        for number, patch in enumerate(together):
            own = slice(number * n, (number + 1) * n)
            hooks += [(name, _setter(own_cache[name], own, EQUALS, None)) for name in patch.frozen]
            source = clean_cache[patch.hook]
            hooks.append((patch.hook, _setter(source, own, patch.position, patch.index)))
        repeated = corrupted.repeat(len(together), 1)
        logits = model.run_with_hooks(repeated, fwd_hooks=hooks)[:, EQUALS]
        effects += [metric(part, prompts) - before for part in logits.split(n)]
    return torch.stack(effects)


def neuron_sets(order: Int[Tensor, " d_mlp"], sizes: Sequence[int]) -> Bool[Tensor, "size d_mlp"]:
    """The first ``n`` neurons of an order, as a mask for each of the sizes."""
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(order), device=order.device)
    return rank < torch.tensor(sizes, device=order.device)[:, None]


def cluster_sets(
    clusters: Int[Tensor, " d_mlp"], keys: Sequence[int]
) -> dict[str, Bool[Tensor, " d_mlp"]]:
    """The neurons of each key frequency, and all others; empty without key frequencies."""
    if not keys:
        return {}
    own = {str(k): clusters == k for k in keys}
    return own | {"other": ~torch.stack(list(own.values())).any(dim=0)}


def _rows(prompts: PromptPairs, p: int) -> Int[Tensor, "2 prompt"]:
    """Where the prompts stand among all pairs, b running fastest."""
    return (prompts * torch.tensor([p, 1], device=prompts.device)).sum(dim=-1)


def _setter(source: Tensor, prompts: slice, position: int | slice, index: int | Tensor | None):
    """A hook that writes ``source`` at a position of these prompts' activation, in place."""
    where = (position,) if index is None else (position, index)

    def replace(activation: Tensor, hook: nn.Module) -> None:
        activation[prompts][(slice(None), *where)] = source[(slice(None), *where)]

    return replace
