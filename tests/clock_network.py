"""Networks whose algorithm is known, because it was put into their weights by hand.

``clock_network`` adds mod p with given frequencies, ``multiplying_network`` multiplies;
``memorised_logits`` are those of a network that knows the training pairs by heart and nothing else.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from helpers import addition_network, addition_settings, normal, sizes_of
from torch import Tensor
from torch.nn.functional import relu

from mechanics.addition.operation import numbers
from mechanics.addition.pairs import all_pairs, targets
from mechanics.models.transformer import Architecture
from mechanics.models.weights import Network

CLOCK_THRESHOLDS = (0.0, 0.05, 0.15, 0.5)  # |r| goes from nearly 0 to 2
PIZZA_THRESHOLDS = (0.0,)


def clock_network(
    p: int,
    frequencies: Sequence[int],
    d_model: int | None = None,
    scale: float = 20.0,
    thresholds: Sequence[float] = CLOCK_THRESHOLDS,
    seed: int = 0,
) -> tuple[dict[str, Tensor], Architecture]:
    """Weights (float64, leading seed dimension 1) of one softmax layer without LayerNorm.

    W_E holds cos and sin of ω_k t, in directions that are random but orthonormal. Attention is
    uniform, so the MLP reads cos ω_k a + cos ω_k b and sin ω_k a + sin ω_k b, a vector of length
    |r|, r = 2 cos(ω_k (a − b)/2), and of angle ω_k (a + b)/2. Neurons
    relu(r cos(ω_k (a + b)/2 + φ) − threshold) with all p phases φ, read out with cos(ω_k c + 2φ),
    leave of this exactly A_k(a − b) cos ω_k (a + b − c) if p is odd. With several thresholds A_k is
    fitted to ``scale`` (a clock: 99 % of the logits' variance); with the one threshold 0 it is
    proportional to |r| (``PIZZA_THRESHOLDS``: Zhong et al. 2023, "The clock and the pizza").

    d_model: at least 4 per frequency (the default). Neurons: p per frequency and threshold.
    """
    n = len(frequencies)
    d_model = 4 * n if d_model is None else d_model
    omega = 2 * torch.pi / p * torch.tensor(list(frequencies), dtype=torch.float64)
    directions = random_orthonormal(d_model, seed)
    read, write = directions[: 2 * n], directions[2 * n : 4 * n]
    numbers = torch.arange(p, dtype=torch.float64)
    waves = torch.stack([(omega[:, None] * numbers).cos(), (omega[:, None] * numbers).sin()], dim=1)
    phases = 2 * torch.pi / p * numbers
    half = (p + 1) // 2 if p % 2 else 0.5  # 1/2 in Z_p, which an even p has not
    turned, twice = (torch.stack([f.cos(), -f.sin()], dim=1) for f in (phases, 2 * phases))
    W_in, b_in, W_out = [], [], []
    for k, w in enumerate(omega):
        plane = slice(2 * k, 2 * k + 2)
        lengths = 2 * (w * half * numbers).cos()  # signed r for every a − b
        sizes = torch.stack([_second_harmonic(lengths, phases, t) for t in thresholds], dim=1)
        weights = torch.linalg.lstsq(sizes, torch.full_like(sizes[:, :1], scale)).solution[:, 0]
        for threshold, weight in zip(thresholds, weights, strict=True):
            W_in.append(turned @ read[plane])
            b_in.append(torch.full((p,), -threshold, dtype=torch.float64))
            W_out.append(weight * twice @ write[plane])
    n_heads, d_head = 2, n
    heads = read.view(n_heads, d_head, d_model)
    architecture = Architecture(
        "softmax", 1, n_heads, d_model, d_head, p * n * len(thresholds), layer_norm=False
    )
    embedding = torch.cat([waves.flatten(0, 1).T @ read, torch.zeros(1, d_model)])
    zeros = torch.zeros(n_heads, d_model, d_head, dtype=torch.float64)
    parameters = {
        "embed.W_E": embedding,
        "pos_embed.W_pos": torch.zeros(3, d_model, dtype=torch.float64),
        "blocks.0.attn.W_Q": zeros,
        "blocks.0.attn.W_K": zeros.clone(),
        "blocks.0.attn.W_V": heads.transpose(1, 2),
        "blocks.0.attn.W_O": 3 * heads,  # a third of the attention goes to each position
        "blocks.0.mlp.W_in": torch.cat(W_in).T,
        "blocks.0.mlp.b_in": torch.cat(b_in),
        "blocks.0.mlp.W_out": torch.cat(W_out),
        "blocks.0.mlp.b_out": torch.zeros(d_model, dtype=torch.float64),
        "unembed.W_U": write.T @ waves.flatten(0, 1),
    }
    return {name: tensor[None].contiguous() for name, tensor in parameters.items()}, architecture


def multiplying_network(
    p: int, frequencies: Sequence[int], **changes
) -> tuple[dict[str, Tensor], Architecture]:
    """``clock_network`` of the logarithms: the number and the answer g^x are its x, 0 is none."""
    parameters, architecture = clock_network(p - 1, frequencies, **changes)
    W_E, W_U, own = *(parameters[n] for n in ("embed.W_E", "unembed.W_U")), numbers(p, "multiply")
    of_numbers, answers = W_E.new_zeros(1, p + 1, W_E.shape[2]), W_U.new_zeros(1, len(W_U[0]), p)
    of_numbers[:, own], of_numbers[:, -1], answers[..., own] = W_E[:, :-1], W_E[:, -1], W_U
    return parameters | {"embed.W_E": of_numbers, "unembed.W_U": answers}, architecture


def final(parameters: dict[str, Tensor], architecture: Architecture, **changes) -> Network:
    """A network built by hand, as the final one of a run; ``changes`` of its settings."""
    own = sizes_of(architecture) | {"d_head": architecture.d_head}
    own["p"] = parameters["embed.W_E"].shape[1] - 1
    settings = addition_settings(**own | changes)
    return addition_network(settings, {name: tensor[0] for name, tensor in parameters.items()})


def planted_logits(p: int, amplitudes: dict[int, float], function=torch.cos) -> Tensor:
    """Logits Σ_k α_k cos ω_k (a + b − c), or another function, of all pairs."""
    angle = 2 * torch.pi / p * (targets(all_pairs(p), p)[:, None] - torch.arange(p)).double()
    return sum(size * function(k * angle) for k, size in amplitudes.items())


def _second_harmonic(lengths: Tensor, phases: Tensor, threshold: float) -> Tensor:
    """Σ_φ relu(r cos φ − threshold) cos 2φ for every r: what the readout finds in the neurons."""
    post = relu(lengths[:, None] * phases.cos() - threshold)
    return (post * (2 * phases).cos()).sum(dim=1)


def random_orthonormal(size: int, seed: int) -> Tensor:
    """Rows are a random orthonormal basis of R^size, float64."""
    return torch.linalg.qr(normal(size, size, seed=seed)).Q.T


def memorised_logits(p: int, mask: Tensor, seed: int, margin: float = 20.0) -> Tensor:
    """Logits [p², p]: noise N(0, 1), and ``margin`` more for the answers of pairs in ``mask``."""
    logits, correct = normal(p * p, p, seed=seed), targets(all_pairs(p), p)
    logits[mask, correct[mask]] += margin
    return logits


def carrying_network(
    p: int, frequencies: Sequence[int], carrier: int, scale: float = 2.0
) -> tuple[dict[str, Tensor], Architecture]:
    """Two softmax layers without LayerNorm; a + b is in the stream of one position alone.

    The first layer is ``clock_network``'s, whose neurons write ``scale`` times cos and sin of
    ω_k (a + b) at the position ``carrier`` (1: that of b, 2: "=") and are silent at the others.
    The second has no neurons; its attention, uniform like the first's, brings what was written to
    the directions at "=" that W_U reads. What attention mixes in the first layer has directions of
    its own, so that after it the stream at b holds, of every frequency, cos and sin of ω_k b
    twice, of ω_k a once and of ω_k (a + b) ``scale`` times.
    """
    n = len(frequencies)
    d_model = 8 * n + 1
    parameters, clock = clock_network(p, frequencies, d_model, scale)
    directions = random_orthonormal(d_model, seed=0)
    read, write, mixed, out = directions[: 8 * n].view(4, 2 * n, d_model)
    silencing = directions[8 * n]
    of_first = {name.split("blocks.0.")[1]: t for name, t in parameters.items() if "blocks" in name}
    n_visible = carrier + 1  # positions that the carrier attends to
    of_first["attn.W_O"] = of_first["attn.W_O"] * n_visible / 3 @ read.T @ mixed
    of_first["mlp.W_in"] = mixed.T @ read @ of_first["mlp.W_in"] - 100 * silencing[:, None]
    heads = write.view(clock.n_heads, n, d_model)
    of_second = {name: torch.zeros_like(tensor) for name, tensor in of_first.items()}
    of_second["attn.W_V"] = heads.transpose(1, 2)[None]
    of_second["attn.W_O"] = 3 * out.view(clock.n_heads, n, d_model)[None]
    W_pos = silencing.repeat(3, 1)
    W_pos[carrier] = 0
    parameters["pos_embed.W_pos"] = W_pos[None]
    parameters["unembed.W_U"] = (out.T @ write)[None] @ parameters["unembed.W_U"]
    for layer, weights in enumerate((of_first, of_second)):
        parameters |= {f"blocks.{layer}.{name}": tensor for name, tensor in weights.items()}
    return parameters, replace(clock, n_layers=2)
