"""What an addition network computes at "=" for every pair, in float64."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.addition.fourier import Logits
from mechanics.addition.pairs import all_pairs
from mechanics.models import addition
from mechanics.models.transformer import Architecture

Parameters = dict[str, Float[Tensor, "1 ..."]]


@dataclass(frozen=True)
class AdditionActivations:
    """Activations at "=" of one replica for all p² pairs (``all_pairs``), under the field's names.

    Lists have an entry for each layer: ``pattern``, the heads' attention to a, b and "=";
    ``attn_out``, what attention adds to the stream; ``hook_post``, the neurons after the ReLU.
    ``resid_embed`` is the stream before the first layer, the same for all pairs.
    """

    resid_embed: Float[Tensor, " d_model"]
    pattern: list[Float[Tensor, "pair head 3"]]
    attn_out: list[Float[Tensor, "pair d_model"]]
    hook_post: list[Float[Tensor, "pair d_mlp"]]
    logits: Logits


@torch.no_grad()
def addition_activations(parameters: Parameters, architecture: Architecture) -> AdditionActivations:
    """Run one replica on all pairs."""
    own = {name: tensor.double() for name, tensor in parameters.items()}
    pairs = all_pairs(own["embed.W_E"].shape[1] - 1).to(own["embed.W_E"].device)
    cache: dict[str, Tensor] = {}
    logits = addition.forward(own, pairs[None], architecture, cache)[0]
    of_layers = (
        [cache[f"blocks.{layer}.{hook}"][0] for layer in range(architecture.n_layers)]
        for hook in ("attn.hook_pattern", "hook_attn_out", "mlp.hook_post")
    )
    resid_embed = own["embed.W_E"][0, -1] + own["pos_embed.W_pos"][0, 2]
    return AdditionActivations(resid_embed, *of_layers, logits)


def neuron_inputs(
    parameters: Parameters, activations: AdditionActivations
) -> Float[Tensor, "pair d_mlp"]:
    """What the neurons of a one-layer network without LayerNorm read, before the ReLU."""
    stream = activations.resid_embed + activations.attn_out[0]
    W_in, b_in = (parameters[f"blocks.0.mlp.{name}"][0].to(stream) for name in ("W_in", "b_in"))
    return stream @ W_in + b_in


def neuron_logits(
    parameters: Parameters, architecture: Architecture
) -> Float[Tensor, "d_mlp token"]:
    """W_L = W_out W_U of the last layer, in float64: what each neuron adds to the logits, or with
    LayerNorm between only a direction."""
    W_out = parameters[f"blocks.{architecture.n_layers - 1}.mlp.W_out"][0].double()
    return W_out @ parameters["unembed.W_U"][0].double()
