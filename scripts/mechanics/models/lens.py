"""The addition network as TransformerLens's own model, so that its hooks and tools work on it.

TransformerLens 4 builds small networks as ``TransformerBridge.boot_native(config)``: a causal
pre-LayerNorm Transformer with learned positions, the network of ``models/addition.py`` written by
others. A test holds the two equal. TransformerLens, whose import takes seconds, is imported when a
network is made.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models import addition
from mechanics.models.transformer import Architecture


def to_lens(
    parameters: dict[str, Float[Tensor, "1 ..."]], architecture: Architecture
) -> torch.nn.Module:
    """The same network as a ``TransformerBridge``, with copies of the weights of one replica.

    Call it with tokens [pair, 3] = (a, b, p) for logits [pair, 3, p]; those at "=" are the last.
    Dtype and device are those of the weights. The native model has attention biases and ours has
    none: they are zero and frozen, so that it stays the same network if it is trained.

    Raises ValueError for linear attention, which the native model cannot express, and for
    parameters that are not those of one replica of an addition network of this architecture.
    """
    from transformer_lens.config import TransformerBridgeConfig  # noqa: PLC0415
    from transformer_lens.model_bridge import TransformerBridge  # noqa: PLC0415
    from transformer_lens.utilities.tl_checkpoint_conversion import (  # noqa: PLC0415
        convert_tl_checkpoint,
    )

    if architecture.attention != "softmax":
        raise ValueError(
            f"{architecture.attention} attention: TransformerLens's native model has softmax only"
        )
    p = _modulus(parameters, architecture)
    W_E = parameters["embed.W_E"]
    config = TransformerBridgeConfig(**addition.lens_settings(architecture, p), init_weights=False)
    model = TransformerBridge.boot_native(config, device=W_E.device, dtype=W_E.dtype)
    zeros = {name: torch.zeros_like(tensor) for name, tensor in model.state_dict().items()}
    own = {name: tensor[0].detach() for name, tensor in parameters.items()}
    model.load_state_dict(zeros | convert_tl_checkpoint(own, config))
    for block in model.blocks:
        for part in (block.attn.q, block.attn.k, block.attn.v, block.attn.o):
            part.bias.requires_grad_(False)
    return model


def _modulus(parameters: dict[str, Tensor], architecture: Architecture) -> int:
    """p, once the parameters are seen to be those of one replica of the architecture."""
    if "embed.W_E" not in parameters:
        raise ValueError("no embed.W_E among the parameters: not an addition network")
    p = parameters["embed.W_E"].shape[1] - 1
    shapes = addition.parameter_shapes(architecture, p)
    expected = {name: (1, *shape) for name, shape in shapes.items()}
    found = {name: tuple(tensor.shape) for name, tensor in parameters.items()}
    for name in sorted(expected.keys() | found.keys()):
        if found.get(name) != expected.get(name):
            raise ValueError(
                f"{name}: shape {found.get(name)}, expected {expected.get(name)}: not one replica"
                " of this architecture"
            )
    return p
