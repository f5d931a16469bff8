"""AdamW for a stack of replicas whose weights lie side by side in one flat tensor.

One row per replica: clipping, weight decay and norms are row operations, an update is eight tensor
operations whatever the number of weights, a replica that ends is a row dropped, and the whole
state is three tensors to save. A test holds it equal to ``torch.optim.AdamW``.
"""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

STATE = (
    "weights",
    "mean",
    "square",
    "decay_factor",
    "fixed_norm",
    "matrix_norms",
    "before",
    "running",
)  # a row for each replica


RUNNING = 0.98  # how much of the running mean of a loss stays at a step: it spans some 50


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

    ``sizes`` are the numbers of weights of the tensors that lie side by side in a row.
    ``matrix_norms`` (nan: free) holds each of them at a Frobenius norm of its own.
    ``orthogonal_gradient`` takes from each tensor's gradient the part along the tensor and scales
    the rest to the gradient's norm, so that no step scales weights alone (Prieto et al. 2025,
    "Grokking at the edge of numerical stability", ⊥Grad).

    ``before`` are the weights when ``moved`` was last asked, ``running`` the running means of the
    parts of a loss (nan: none yet).
    """

    weights: Float[Tensor, "seed weight"]
    weight_decay: float
    betas: tuple[float, float]
    gradient_clip: float | None = None
    sizes: tuple[int, ...] = ()
    orthogonal_gradient: bool = False
    epsilon: float = 1e-8
    step: int = 0
    mean: Float[Tensor, "seed weight"] = field(default=None)
    square: Float[Tensor, "seed weight"] = field(default=None)
    decay_factor: Float[Tensor, "seed 1"] = field(default=None)
    fixed_norm: Float[Tensor, "seed 1"] = field(default=None)
    matrix_norms: Float[Tensor, "seed tensor"] = field(default=None)
    before: Float[Tensor, "seed weight"] = field(default=None)
    running: Float[Tensor, "seed part"] = field(default=None)

    def __post_init__(self) -> None:
        if self.mean is None:
            self.mean = torch.zeros_like(self.weights)
            self.square = torch.zeros_like(self.weights)
        if self.before is None:
            self.before = self.weights.clone()
        if self.running is None:
            self.running = torch.full_like(self.weights[:, :1], torch.nan)
        if self.decay_factor is None:  # float64, so that 1 − ηλ is rounded once
            ones = torch.ones(len(self.weights), 1, dtype=torch.float64, device=self.weights.device)
            self.decay_factor, self.fixed_norm = ones, ones * torch.nan
            self.matrix_norms = (ones * torch.nan).repeat(1, len(self.sizes))

    @torch.no_grad()
    def update(self, gradient: Float[Tensor, "seed weight"], learning_rate: float) -> None:
        if self.orthogonal_gradient:
            gradient = self._orthogonal(gradient)
        if self.gradient_clip is not None:
            norm = gradient.norm(dim=1, keepdim=True)
            gradient = gradient * (self.gradient_clip / norm).clamp(max=1.0)
        self.step += 1
        beta_mean, beta_square = self.betas
        kept = 1 - learning_rate * self.weight_decay * self.decay_factor
        self.weights.mul_(kept.to(self.weights.dtype))
        self.mean.lerp_(gradient, 1 - beta_mean)
        self.square.mul_(beta_square).addcmul_(gradient, gradient, value=1 - beta_square)
        self._move(gradient, learning_rate)
        if not self.fixed_norm.isnan().all():
            factor = self.fixed_norm / self.norm()
            self.weights.mul_(factor.nan_to_num(nan=1.0).to(self.weights.dtype))

        held = ~self.matrix_norms.isnan()
        if held.any():
            for column, own in enumerate(self.weights.split(self.sizes, dim=1)):
                if held[:, column].any():
                    norm = own.double().norm(dim=1)
                    factor = (self.matrix_norms[:, column] / norm).nan_to_num(nan=1.0)
                    own.mul_(factor[:, None].to(own.dtype))

    def _move(self, gradient: Float[Tensor, "seed weight"], learning_rate: float) -> None:
        """One step along the moments, which hold ``gradient`` already."""
        scale = self._root_mean_square().add_(self.epsilon)
        correction = 1 - self.betas[0] ** self.step
        self.weights.addcdiv_(self.mean, scale, value=-learning_rate / correction)

    def relative(self, losses: Float[Tensor, "seed part"]) -> Float[Tensor, "seed part"]:
        """One over the running mean of each part of a loss, once this step's has entered it."""
        mean = self.running.lerp(losses, 1 - RUNNING)
        self.running = torch.where(self.running.isnan(), losses, mean)
        return 1 / self.running

    def _root_mean_square(self) -> Float[Tensor, "seed weight"]:
        """√v̂, Adam's running size of each weight's gradient."""
        return (self.square / (1 - self.betas[1] ** self.step)).sqrt_()

    def below_epsilon(self) -> Float[Tensor, "seed"]:
        """Share of the weights whose √v̂ is below ε, so that ε sets the size of their step."""
        return (self._root_mean_square() < self.epsilon).double().mean(dim=1)

    def moved(self) -> Float[Tensor, "seed"]:
        """How far the weights came since this was last asked, as a share of their norm."""
        change = (self.weights - self.before).double().norm(dim=1) / self.norm()[:, 0]
        self.before = self.weights.clone()
        return change

    def restart(self) -> None:
        """Forget the moments, as if the next update were the first."""
        self.step = 0
        self.mean.zero_()
        self.square.zero_()

    def _orthogonal(self, gradient: Float[Tensor, "seed weight"]) -> Float[Tensor, "seed weight"]:
        """Each tensor's gradient without its part along the tensor, at the gradient's norm."""
        parts = []
        pieces = zip(
            self.weights.split(self.sizes, dim=1), gradient.split(self.sizes, dim=1), strict=True
        )
        for weights, own in pieces:
            along = (weights * own).sum(1, keepdim=True) / weights.square().sum(1, keepdim=True)
            rest = own - along.nan_to_num() * weights  # a bias of zeros has no direction
            factor = own.norm(dim=1, keepdim=True) / rest.norm(dim=1, keepdim=True)
            parts.append(rest * factor.nan_to_num(posinf=0.0))
        return torch.cat(parts, dim=1)

    def norm(self) -> Float[Tensor, "seed 1"]:
        """Euclidean norm of all weights of each replica, in float64."""
        return self.weights.double().norm(dim=1, keepdim=True)

    def keep(self, rows: list[int]) -> None:
        """Drop every replica whose row is not listed."""
        for name in STATE:
            setattr(self, name, getattr(self, name)[rows].clone())
