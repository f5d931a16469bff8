"""The training of one linear layer from theory, beside the same training on sampled prompts.

Weights are a stack of replicas in float64: ``W_QK`` and ``value`` of a merged layer, or the four
matrices of a network. Both have an exact risk (``layer_risk``), so that their gradient
descent needs no prompts.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models import regression
from mechanics.models.prompts import Prompts, sample_prompts, shorten, squared_errors
from mechanics.models.transformer import Architecture, architecture
from mechanics.regression.effective_weights import layer_risk, merged
from mechanics.regression.laws.risk import mean_inverse, optimal_step_size
from mechanics.runtime.seeds import generator
from mechanics.training.schedules import context_lengths, context_range, learning_rate

Weights = dict[str, Tensor]
Loss = Callable[[Weights, int], Float[Tensor, "seed"]]  # of the weights at a step
OTHER_PROMPTS = 1000  # no seed of a study: prompts of this replica are in no training of it


def merged_weights(weights: Weights, network: Architecture) -> tuple[Tensor, Tensor]:
    """W_QK [seed token token] and v [seed token] of either kind of weights."""
    if "W_QK" in weights:
        return weights["W_QK"], weights["value"]
    W_QK, value = merged(weights, network)
    return W_QK[:, 0], value[:, 0]


def exact_loss(network: Architecture, lengths: Sequence[int]) -> Loss:
    """The mean squared error over all prompts of these lengths, each as probable."""
    inverse = mean_inverse(lengths)

    def loss(weights: Weights, step: int) -> Float[Tensor, "seed"]:
        W_QK, value = merged_weights(weights, network)
        return (W_QK.shape[-1] - 1) * layer_risk(W_QK, value, inverse)

    return loss


def sampled_loss(settings: dict, n_prompts: int, lengths: Callable[[int], Sequence[int]]) -> Loss:
    """The mean squared error over prompts drawn afresh at every step, others for each replica."""
    network = architecture(settings)

    def loss(weights: Weights, step: int) -> Float[Tensor, "seed"]:
        n_seeds = len(next(iter(weights.values())))
        prompts = draw(settings, n_seeds, n_prompts, lengths(step), step)
        found = regression.forward(as_network(weights, network), prompts, network)
        return squared_errors(found, prompts).mean(dim=-1)

    return loss


def draw(
    settings: dict, n_seeds: int, n_prompts: int, lengths: Sequence[int], step: int
) -> Prompts:
    """Prompts for a stack of replicas, of lengths uniform from the first to the last."""
    n, low, high = n_seeds * n_prompts, lengths[0], lengths[-1]
    drawn = sample_prompts(
        "prompts", OTHER_PROMPTS, step, n, high, settings["queries_per_prompt"], settings["d"]
    )
    chosen = context_lengths(low, high, n, False, generator("batch", OTHER_PROMPTS, step))
    drawn = shorten(drawn, chosen[None])
    tensors = (drawn.x, drawn.y, drawn.x_test, drawn.y_test, drawn.mask)
    return Prompts(*(tensor.view(n_seeds, n_prompts, *tensor.shape[2:]) for tensor in tensors))


def as_network(weights: Weights, network: Architecture) -> Weights:
    """The four matrices that a merged layer is, in float32, as prompts are."""
    if "W_QK" in weights:
        identity = torch.eye(weights["W_QK"].shape[-1]).expand_as(weights["W_QK"])
        write_y = torch.nn.functional.pad(weights["value"][..., None], (identity.shape[-1] - 1, 0))
        query = weights["W_QK"] / network.score_scale
        matrices = {"Q": query, "K": identity, "V": identity, "O": write_y}
        weights = {f"blocks.0.attn.W_{name}": m[:, None] for name, m in matrices.items()}
    return {name: tensor.float() for name, tensor in weights.items()}


def gradient(loss: Loss, weights: Weights, step: int) -> Weights:
    held = {name: tensor.detach().requires_grad_() for name, tensor in weights.items()}
    slopes = torch.autograd.grad(loss(held, step).sum(), list(held.values()))
    return dict(zip(held, slopes, strict=True))


def gradient_descent(weights: Weights, loss: Loss, rate: float) -> Iterator[Weights]:
    """The weights at step 0, 1, 2 … of descent on half the loss."""
    step = 0
    while True:
        yield weights
        slopes = gradient(loss, weights, step)
        weights = {name: tensor - rate / 2 * slopes[name] for name, tensor in weights.items()}
        step += 1


def initial(settings: dict, seeds: Iterable[int]) -> Weights:
    """The first weights of a run, the four matrices of every replica."""
    each = [regression.initial(settings, seed) for seed in seeds]
    return {name: torch.stack([own[name] for own in each]).double() for name in each[0]}


def adam(settings: dict, seeds: Sequence[int], n_prompts: int | None) -> Iterator[Weights]:
    """A run's own training, from its initial weights, by the exact gradient.

    With ``n_prompts`` the second moment, and nothing else, is fed with gradients on as many
    sampled prompts. No weight decay, no clipping.
    """
    network, (first_decay, second_decay) = architecture(settings), settings["betas"]
    weights = initial(settings, seeds)
    first, second = (dict.fromkeys(weights, torch.zeros(())) for _ in range(2))
    noisy = sampled_loss(settings, n_prompts or 0, lambda step: lengths_at(settings, step))
    step = 0
    while True:
        yield weights
        loss = exact_loss(network, lengths_at(settings, step))
        slopes = gradient(loss, weights, step)
        squared = slopes if n_prompts is None else gradient(noisy, weights, step)
        keys = ("steps", "learning_rate", "schedule", "warmup_steps")
        rate = learning_rate(step, *(settings[key] for key in keys))
        step += 1
        moved = {}
        for name, tensor in weights.items():
            first[name] = first_decay * first[name] + (1 - first_decay) * slopes[name]
            second[name] = second_decay * second[name] + (1 - second_decay) * squared[name] ** 2
            scale = (second[name] / (1 - second_decay**step)).sqrt() + 1e-8
            moved[name] = tensor - rate * first[name] / (1 - first_decay**step) / scale
        weights = moved


def lengths_at(settings: dict, step: int) -> range:
    """The context lengths that a run is trained on at a step."""
    keys = ("steps", "k_min", "k_max", "curriculum", "full_range_at")
    low, high = context_range(step, *(settings[key] for key in keys))
    return range(low, high + 1)


def curve(
    path: Iterator[Weights], network: Architecture, steps: Sequence[int], lengths: Sequence[int]
) -> pd.DataFrame:
    """Exact risk at these steps and context lengths: columns step, k, seed (of the stack), risk."""
    rows, wanted = [], set(steps)
    for step, weights in zip(range(max(steps) + 1), path, strict=False):
        if step not in wanted:
            continue
        for k in lengths:
            risks = layer_risk(*merged_weights(weights, network), 1 / k).tolist()
            rows += [(step, k, seed, risk) for seed, risk in enumerate(risks)]
    return pd.DataFrame(rows, columns=["step", "k", "seed", "risk"])


def step_size_curve(
    steps: Sequence[int], start: float, rate: float, d: int, lengths: Sequence[int]
) -> Float[Tensor, " step"]:
    """ĉ over gradient descent on half the mean squared error, from a balanced isotropic start.

    With A = uI and b = −√d·u the flow of c = √d·u² is logistic (Zhang, Singh, Latham & Saxe 2025):
    c(t) = c*/(1 + (c*/c₀ − 1)e^(−2√d·t)), c₀ = ``start``, t = ``rate`` × step. Steps of finite
    size grow u by 1 + √d·rate each, hence log(1 + √d·rate) in the place of √d·rate.
    """
    best = optimal_step_size(d, lengths)
    grown = 2 * math.log1p(math.sqrt(d) * rate) * torch.tensor(list(steps), dtype=torch.float64)
    return best / (1 + (best / start - 1) * torch.exp(-grown))


def balanced_start(start: float, d: int) -> tuple[Float[Tensor, "token token"], Tensor]:
    """W_QK and value vector of the start of ``step_size_curve``: A = uI, b = −√d·u, √d·u² = c₀."""
    u = math.sqrt(start / math.sqrt(d))
    W_QK = torch.zeros(d + 1, d + 1, dtype=torch.float64)
    W_QK[:d, :d] = u * torch.eye(d, dtype=torch.float64)
    value = torch.zeros(d + 1, dtype=torch.float64)
    value[d] = -math.sqrt(d) * u
    return W_QK, value


def saddle_risk(rank: int, d: int, lengths: Sequence[int]) -> float:
    """1 − m·c*/d, the mean risk where only ``rank`` = m directions of Γ̂ have been learned.

    The mean risk of one step along m orthogonal directions is
    1 − (m/d)(2c − c²(1 + (d + 1)E[1/k])), least at the same c* for every m.
    """
    return 1 - rank * optimal_step_size(d, lengths) / d
