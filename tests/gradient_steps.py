"""A linear token network whose layers are gradient steps of known sizes."""

import torch

from mechanics.models.transformer import Architecture


def gradient_steps(step_sizes, d: int) -> tuple[dict[str, torch.Tensor], Architecture]:
    """Weights (float64, one replica) and architecture: layer l is a step of ``step_sizes[l]``."""
    n_tokens = d + 1
    network = Architecture("linear", len(step_sizes), 1, n_tokens, n_tokens, 0, False, False)
    identity = torch.eye(n_tokens, dtype=torch.float64)
    match = identity.clone()
    match[d, d] = 0
    write_y = identity - match
    weights = {}
    for layer, size in enumerate(step_sizes):
        matrices = {"Q": match / network.score_scale, "K": match, "V": identity}
        for letter, matrix in (matrices | {"O": -size * write_y}).items():
            weights[f"blocks.{layer}.attn.W_{letter}"] = matrix[None, None]
    return weights, network
