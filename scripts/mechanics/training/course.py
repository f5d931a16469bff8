"""What sets a replica's course beside its gradients: held norms, and what follows memorising; and
whether it moves at all."""

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.training.objective import Objective
from mechanics.training.optimiser import AdamW, flatten, unflatten

# Weights that move by less of their norm a step stand still: in 20,000 steps they would come 2 % of
# it. Under weight decay the norm alone changes faster than that within any STILL_STEPS.
STILL = 1e-6
STILL_STEPS = (
    1000  # a replica is stalled when its weights stood still at every measurement of these
)


def first_weights(objective: Objective, seeds: list[int]) -> Float[Tensor, "seed weight"]:
    """Those of step 0."""
    initial = [objective.initial(seed) for seed in seeds]
    return flatten({name: torch.stack([own[name] for own in initial]) for name in objective.shapes})


def matrix_norms(
    weights: Float[Tensor, "seed weight"], objective: Objective
) -> Float[Tensor, "seed tensor"]:
    """Frobenius norm of each weight matrix in float64; nan for biases, left free."""
    views = unflatten(weights, objective.shapes)
    norms = [
        view.double().flatten(1).norm(dim=1)
        if name.rsplit(".", 1)[-1].startswith("W")
        else torch.full((len(view),), torch.nan, dtype=torch.float64, device=view.device)
        for name, view in views.items()
    ]
    return torch.stack(norms, dim=1)


def change_course(
    optimiser: AdamW, row: int, after_memorising: str, objective: Objective, seed: int
) -> None:
    """What becomes of one replica's weight decay and norm once it has memorised."""
    if after_memorising in ("no_decay", "initial_norm"):
        optimiser.decay_factor[row] = 0.0
    if after_memorising == "fixed_norm":
        optimiser.fixed_norm[row] = optimiser.norm()[row]
    elif after_memorising == "initial_norm":
        optimiser.matrix_norms[row] = matrix_norms(first_weights(objective, [seed]), objective)[0]


def updates_of(optimiser: AdamW, n_steps: int) -> list[dict[str, float]]:
    """How large the updates of each replica are, now and over the last ``n_steps``; {} if none.

    ``below_epsilon``: the share of its weights whose step is set by ε. ``moved``: how far its
    weights came a step, as a share of their norm.
    """
    if not n_steps:
        return [{} for _ in optimiser.weights]
    shares, distances = optimiser.below_epsilon().tolist(), optimiser.moved().tolist()
    return [
        {"below_epsilon": share, "moved": distance / n_steps}
        for share, distance in zip(shares, distances, strict=True)
    ]
