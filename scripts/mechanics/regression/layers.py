"""What each layer of a deep regression network has worked out, and how many steps that is worth.

A linear probe (Alain & Bengio 2016) reads y_test from the residual stream at the query token. Its
risk is translated into steps of an algorithm that reaches the same risk at the same k. Without
embedding the stream is [x; −ŷ], with an x that does not depend on w: all that a probe can then do
is rescale the layer's own prediction, by the factor that is best at this k. With LayerNorm the
network's own read-out is not linear in the stream, and after the last layer, which is trained for
it, it can be better than any linear probe.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models.prompts import Prompts, describe_risk
from mechanics.models.regression import Parameters, read_out
from mechanics.models.transformer import Architecture
from mechanics.models.weights import Network
from mechanics.regression.algorithms import gradient_descent, newton, ordinary_least_squares, zero
from mechanics.regression.held_out import CHUNK, HeldOut, residual_streams, tokens, untrained
from mechanics.regression.laws.depth import optimal_step_sizes, polynomial_floor
from mechanics.regression.laws.spectrum import expected_spectrum

N_PROMPTS = 4096  # of the held-out ones, at each k: half to fit, half to judge
RANK_TOLERANCE = 1e-6  # of the largest singular value: what float32 streams leave of a zero one
Predictions = Float[Tensor, "prompt query"]


def layers(networks: list[Network], held_out: HeldOut) -> pd.DataFrame:
    """A row per seed, trained or not, k and layer (0: before the first).

    Half of the prompts fit a linear probe per layer, the other half judge it: the probe's risk with
    its standard error, and the steps of gradient descent (best step sizes at this k) and of
    Newton's iteration of equal risk: inf where more than 20 (12) steps are needed, nan where no
    step is better. The same, ending in _lens, for the network's own read-out applied early, which
    after the last layer is the network itself. ``nearest_algorithm`` is the one whose predictions
    are nearest to the probe's.

    Raises ValueError for networks of one layer: nothing lies between token and prediction.
    """
    settings = networks[0].settings
    if settings["n_layers"] < 2:
        raise ValueError("a network of one layer has no layers to tell apart")
    rows = []
    for k in settings["measured_at"]:
        prompts = held_out.prompts(k, N_PROMPTS)
        half = prompts.x.shape[1] // 2
        fit, judge = prompts.part(slice(half)), prompts.part(slice(half, None))
        algorithms = named_algorithms(judge)
        risks_by_steps = {
            "gd_steps": gradient_descent_risks(settings["d"], k),
            "newton_steps": newton_risks(judge),
        }
        for network in networks:
            for trained in (True, False):
                own = network if trained else untrained(network)
                streams, lenses = query_streams(own.weights, tokens(prompts, own), own.architecture)
                for layer, (stream, lens) in enumerate(zip(streams, lenses, strict=True)):
                    probe = fit_probe(stream[:half], fit.y_test[0])
                    predictions = stream[half:].double().cpu() @ probe
                    rows.append(
                        {"seed": network.seed, "trained": trained, "k": k, "layer": layer}
                        | describe(predictions, lens[half:], judge, risks_by_steps, algorithms)
                    )
    return pd.DataFrame(rows)


def describe(
    predictions: Predictions,
    lens: Predictions,
    prompts: Prompts,
    risks_by_steps: dict[str, list[float]],
    algorithms: dict[str, Predictions],
) -> dict:
    """One layer's probe and early read-out: their risks, steps of equal risk, nearest algorithm."""
    risk, error = risk_of(predictions, prompts)
    risk_lens, _ = risk_of(lens, prompts)
    name, distance = nearest_algorithm(predictions, algorithms)
    return {
        "risk": risk,
        "risk_se": error,
        **{steps: equivalent_steps(risk, risks) for steps, risks in risks_by_steps.items()},
        "risk_lens": risk_lens,
        **{f"{s}_lens": equivalent_steps(risk_lens, risks) for s, risks in risks_by_steps.items()},
        "nearest_algorithm": name,
        "nearest_preds_diff": distance,
        "n_prompts": prompts.x.shape[1],
    }


@torch.no_grad()
def query_streams(
    parameters: Parameters, prompts: Prompts, architecture: Architecture
) -> tuple[list[Float[Tensor, "prompt query d_model"]], list[Predictions]]:
    """Of one replica: the stream at the query tokens after each layer, and its early read-out.

    Entry 0 is the stream before the first layer. The early read-out is what the network's own last
    step predicts from it ("logit lens", nostalgebraist 2020). ``prompts`` are as the network reads
    them (``held_out.tokens``).
    """
    k, streams, lenses = prompts.x.shape[-2], [], []
    for chunk in prompts.chunks(CHUNK):  # the streams of all layers and positions are held at once
        at_query = [own[..., k:, :] for own in residual_streams(parameters, chunk, architecture)]
        streams.append([stream[0].clone() for stream in at_query])
        lenses.append([read_out(stream, parameters, architecture)[0] for stream in at_query])
    of_layers = [[torch.cat(c) for c in zip(*own, strict=True)] for own in (streams, lenses)]
    return of_layers[0], of_layers[1]


def fit_probe(
    stream: Float[Tensor, "prompt query d_model"], y_test: Predictions
) -> Float[Tensor, " d_model"]:
    """Ordinary least squares, float64 on the CPU and without intercept, of y_test on the stream.

    Coordinates are scaled to the same size first, so that a small one counts as much as a large
    one; directions in which the stream does not vary get no weight. nan if the stream is not finite
    (a diverged replica).

    Raises ValueError for fewer test points than coordinates.
    """
    rows, targets = stream.flatten(0, 1).double().cpu(), y_test.flatten().double().cpu()
    if len(rows) < rows.shape[1]:
        raise ValueError(
            f"{len(rows)} test points cannot determine a probe of {rows.shape[1]} coordinates"
        )
    if not rows.isfinite().all():
        return torch.full(rows.shape[1:], math.nan, dtype=torch.float64)
    sizes = rows.square().mean(dim=0).sqrt()
    scales = torch.where(sizes > 0, sizes, 1.0)
    left, singular, right = torch.linalg.svd(rows / scales, full_matrices=False)
    kept = singular > RANK_TOLERANCE * singular[0]
    inverse = torch.where(kept, 1 / torch.where(kept, singular, 1.0), 0.0)
    return right.T @ (inverse * (left.T @ targets)) / scales


def risk_of(predictions: Predictions, prompts: Prompts) -> tuple[float, float]:
    """Risk (MSE / d) and its standard error over prompts. ``prompts``: x with its d coordinates."""
    own = replace(prompts, y_test=prompts.y_test.to(predictions))
    found = describe_risk(predictions[None], own)
    return found["risk"], found["risk_se"]


def gradient_descent_risks(d: int, k: int, n_max: int = 20) -> list[float]:
    """Risk of 0 … ``n_max`` steps of gradient descent whose step sizes are the best at this k.

    Exact (``depth.polynomial_floor`` of the same degree) up to 20 steps; at 40 the nodes of the
    spectrum have lost their precision to float64. They fall towards max(0, 1 − k/d).
    """
    spectrum = expected_spectrum(d, [k], 2 * n_max)
    return [1.0] + [polynomial_floor(n, spectrum) for n in range(1, n_max + 1)]


def newton_risks(prompts: Prompts, n_max: int = 12) -> list[float]:
    """Risk of 0 … ``n_max`` steps of Newton's iteration on these prompts (Monte Carlo)."""
    return [risk_of(newton(prompts, n)[0], prompts)[0] for n in range(n_max + 1)]


def equivalent_steps(risk: float, risks_by_steps: Sequence[float]) -> float:
    """The number of steps, not a whole number, after which an algorithm reaches this risk.

    ``risks_by_steps[n]`` is the algorithm's risk after n steps. Between whole numbers log risk is
    interpolated linearly. Never capped: inf if the risk lies below that of the last step listed
    (or below the level at which the algorithm saturates), nan if it lies above that of 0 steps, or
    is nan itself.

    Raises ValueError if no risk is listed, or one is not positive.

    >>> equivalent_steps(0.1, [1.0, 0.01])
    0.5
    """
    if not risks_by_steps or not all(listed > 0 for listed in risks_by_steps):
        raise ValueError(f"risks by steps must be positive, not {list(risks_by_steps)}")
    place = -math.log(risk) if risk else math.inf
    steps = range(len(risks_by_steps))
    return float(np.interp(place, -np.log(risks_by_steps), steps, left=math.nan, right=math.inf))


def named_algorithms(prompts: Prompts) -> dict[str, Predictions]:
    """Predictions, float64 on the CPU, of the algorithms a layer may have arrived at.

    1 … 6 steps of gradient descent with the step sizes that are best at this k, 1 … 4 steps of
    Newton's iteration, and the ends of both: zero and least squares. Names as in ``references``.
    """
    k, d = prompts.x.shape[-2:]
    spectrum = expected_spectrum(d, [k], 2 * 6)
    found = {"zero": zero(prompts)}
    for n, name in enumerate(("one", 2, 3, 4, 5, 6), start=1):
        steps = optimal_step_sizes(n, spectrum)
        found[f"{name}-step GD, tuned at k"] = gradient_descent(prompts, steps)
    found |= {f"{n}-step Newton": newton(prompts, n) for n in range(1, 5)}
    found["OLS"] = ordinary_least_squares(prompts)
    return {name: predictions[0].double().cpu() for name, predictions in found.items()}


def nearest_algorithm(
    predictions: Predictions, algorithms: dict[str, Predictions]
) -> tuple[str | None, float]:
    """The algorithm of least E|ŷ − ŷ_algorithm| (von Oswald et al. 2023), and that distance.

    (None, nan) for predictions that are not finite.
    """
    if not predictions.isfinite().all():
        return None, math.nan
    distances = {n: float((predictions - own).abs().mean()) for n, own in algorithms.items()}
    name = min(distances, key=distances.__getitem__)
    return name, distances[name]
