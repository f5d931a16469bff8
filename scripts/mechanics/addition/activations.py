"""What an addition network computes at "=" for every pair, in float64."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import relu

from mechanics.addition.pairs import all_pairs
from mechanics.models.addition import Parameters
from mechanics.models.attention import attention_pattern, join_heads, project, split_heads
from mechanics.models.transformer import Architecture, normalise


@dataclass(frozen=True)
class AdditionActivations:
    """Activations at "=" of one replica for all p² pairs (``all_pairs``), under the field's names.

    Lists have an entry for each layer: ``pattern``, how much of the heads' attention at "=" goes
    to a, b and "="; ``attn_out`` and ``mlp_out``, what each part adds to the stream; ``hook_post``,
    the neurons after the ReLU. ``resid_embed`` is the stream at "=" before the first layer, the
    same for all pairs.
    """

    resid_embed: Float[Tensor, " d_model"]
    pattern: list[Float[Tensor, "pair head 3"]]
    attn_out: list[Float[Tensor, "pair d_model"]]
    hook_post: list[Float[Tensor, "pair d_mlp"]]
    mlp_out: list[Float[Tensor, "pair d_model"]]
    logits: Float[Tensor, "pair token"]


@torch.no_grad()
def addition_activations(
    parameters: dict[str, Float[Tensor, "1 ..."]], architecture: Architecture
) -> AdditionActivations:
    """Run one replica on all pairs, every position of every pair computed by itself."""
    own: Parameters = {name: tensor.double() for name, tensor in parameters.items()}
    p = own["embed.W_E"].shape[1] - 1
    pairs = all_pairs(p).to(own["embed.W_E"].device)
    tokens = torch.cat([pairs, torch.full_like(pairs[:, :1], p)], dim=-1)
    stream = (own["embed.W_E"][0][tokens] + own["pos_embed.W_pos"][0])[None]
    resid_embed = stream[0, 0, 2].clone()
    patterns, attn_out, hook_post, mlp_out = [], [], [], []
    causal = torch.ones(3, 3, dtype=torch.bool, device=pairs.device).tril()
    for layer in range(architecture.n_layers):
        name = f"blocks.{layer}"
        normed = normalise(stream, own, f"{name}.ln1", architecture)
        query, key, value = (
            split_heads(normed, own[f"{name}.attn.W_{letter}"]).transpose(-2, -3)
            for letter in "QKV"
        )  # 1 pair head position d_head
        scores = query @ key.transpose(-1, -2) * architecture.score_scale
        pattern = attention_pattern(scores, architecture.attention, causal)
        attended = join_heads((pattern @ value).transpose(-2, -3), own[f"{name}.attn.W_O"])
        stream = stream + attended
        mlp = [own[f"{name}.mlp.{key}"] for key in ("W_in", "b_in", "W_out", "b_out")]
        post = relu(project(normalise(stream, own, f"{name}.ln2", architecture), *mlp[:2]))
        added = project(post, *mlp[2:])
        stream = stream + added
        patterns.append(pattern[0, :, :, 2])
        attn_out.append(attended[0, :, 2])
        hook_post.append(post[0, :, 2])
        mlp_out.append(added[0, :, 2])
    final = normalise(stream[:, :, 2], own, "ln_final", architecture)
    logits = project(final, own["unembed.W_U"])[0]
    return AdditionActivations(resid_embed, patterns, attn_out, hook_post, mlp_out, logits)


def neuron_logits(
    parameters: dict[str, Float[Tensor, "1 ..."]], architecture: Architecture
) -> Float[Tensor, "d_mlp token"]:
    """W_L = W_out W_U of the last layer: what each neuron adds to the logits, in float64.

    Exact where no LayerNorm lies between (else only a direction).
    """
    W_out = parameters[f"blocks.{architecture.n_layers - 1}.mlp.W_out"][0].double()
    return W_out @ parameters["unembed.W_U"][0].double()
