"""AdamW for a stack of replicas whose weights lie side by side in one flat tensor.

One row per replica: clipping, weight decay and norms are row operations, an update is eight tensor
operations whatever the number of weights, a replica that ends is a row dropped, and the whole
state is three tensors to save. A test holds it equal to ``torch.optim.AdamW``.
"""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

STATE = ("weights", "mean", "square", "decay_factor", "fixed_norm")  # a row for each replica


def flatten(parameters: dict[str, Tensor]) -> Float[Tensor, "seed weight"]:
    """Lay the weights of every replica in one row, in the order of the dict."""
    return torch.cat([tensor.flatten(1) for tensor in parameters.values()], dim=1)


def unflatten(
    flat: Float[Tensor, "seed weight"], shapes: dict[str, tuple[int, ...]]
) -> dict[str, Tensor]:
    """Views into ``flat`` by name; writing to ``flat`` changes them."""
    sizes = [torch.Size(shape).numel() for shape in shapes.values()]
    pieces = flat.split(sizes, dim=1)
    return {
        name: piece.view(-1, *shape)
        for (name, shape), piece in zip(shapes.items(), pieces, strict=True)
    }


@dataclass
class AdamW:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019), in place on ``weights``.

    ``gradient_clip`` bounds the norm of each replica's own gradient (``None``: not at all).
    ``decay_factor`` multiplies the weight decay of each replica, 1 unless it is set. A replica with
    a ``fixed_norm`` (nan: none) is scaled to that Euclidean norm after every update.
    """

    weights: Float[Tensor, "seed weight"]
    weight_decay: float
    betas: tuple[float, float]
    gradient_clip: float | None = None
    epsilon: float = 1e-8
    step: int = 0
    mean: Float[Tensor, "seed weight"] = field(default=None)
    square: Float[Tensor, "seed weight"] = field(default=None)
    decay_factor: Float[Tensor, "seed 1"] = field(default=None)
    fixed_norm: Float[Tensor, "seed 1"] = field(default=None)

    def __post_init__(self) -> None:
        if self.mean is None:
            self.mean = torch.zeros_like(self.weights)
            self.square = torch.zeros_like(self.weights)
        if self.decay_factor is None:  # float64, so that 1 − ηλ is rounded once
            ones = torch.ones(len(self.weights), 1, dtype=torch.float64, device=self.weights.device)
            self.decay_factor, self.fixed_norm = ones, ones * torch.nan

    @torch.no_grad()
    def update(self, gradient: Float[Tensor, "seed weight"], learning_rate: float) -> None:
        if self.gradient_clip is not None:
            norm = gradient.norm(dim=1, keepdim=True)
            gradient = gradient * (self.gradient_clip / norm).clamp(max=1.0)
        self.step += 1
        beta_mean, beta_square = self.betas
        kept = 1 - learning_rate * self.weight_decay * self.decay_factor
        self.weights.mul_(kept.to(self.weights.dtype))
        self.mean.lerp_(gradient, 1 - beta_mean)
        self.square.mul_(beta_square).addcmul_(gradient, gradient, value=1 - beta_square)
        scale = (self.square / (1 - beta_square**self.step)).sqrt_().add_(self.epsilon)
        self.weights.addcdiv_(self.mean, scale, value=-learning_rate / (1 - beta_mean**self.step))
        if not self.fixed_norm.isnan().all():
            factor = self.fixed_norm / self.norm()
            self.weights.mul_(factor.nan_to_num(nan=1.0).to(self.weights.dtype))

    def norm(self) -> Float[Tensor, "seed 1"]:
        """Euclidean norm of all weights of each replica, in float64."""
        return self.weights.double().norm(dim=1, keepdim=True)

    def keep(self, rows: list[int]) -> None:
        """Drop every replica whose row is not listed."""
        for name in STATE:
            setattr(self, name, getattr(self, name)[rows].clone())
