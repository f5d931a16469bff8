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

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.models.prompts import Prompts, describe_risk
from mechanics.models.regression import Parameters, read_out
from mechanics.models.transformer import Architecture
from mechanics.regression.algorithms.gradient_descent import gradient_descent
from mechanics.regression.algorithms.least_squares import ordinary_least_squares, zero
from mechanics.regression.algorithms.newton import newton
from mechanics.regression.laws.depth import optimal_step_sizes, polynomial_floor
from mechanics.regression.laws.spectrum import expected_spectrum
from mechanics.regression.residual_stream import residual_streams

CHUNK = 256  # prompts at a time: the streams of all layers and positions are held at once
RANK_TOLERANCE = 1e-6  # of the largest singular value: what float32 streams leave of a zero one


@torch.no_grad()
def query_streams(
    parameters: Parameters, prompts: Prompts, architecture: Architecture
) -> tuple[list[Float[Tensor, "prompt query d_model"]], list[Float[Tensor, "prompt query"]]]:
    """Of one replica: the stream at the query tokens after each layer, and its early read-out.

    Entry 0 is the stream before the first layer. The early read-out is what the network's own last
    step predicts from it ("logit lens", nostalgebraist 2020). ``prompts`` are those the network
    reads (``RegressionRun.tokens``).
    """
    k = prompts.x.shape[-2]
    streams: list[list[Tensor]] = []
    lenses: list[list[Tensor]] = []
    for chunk in prompts.chunks(CHUNK):
        at_query = [
            stream[..., k:, :] for stream in residual_streams(parameters, chunk, architecture)
        ]
        streams.append([stream[0].clone() for stream in at_query])
        lenses.append([read_out(stream, parameters, architecture)[0] for stream in at_query])
    return [torch.cat(s) for s in zip(*streams, strict=True)], [
        torch.cat(lens) for lens in zip(*lenses, strict=True)
    ]


def fit_probe(
    stream: Float[Tensor, "prompt query d_model"], y_test: Float[Tensor, "prompt query"]
) -> Float[Tensor, " d_model"]:
    """Ordinary least squares, float64 and without intercept, of y_test on the stream.

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


def probe_predictions(
    stream: Float[Tensor, "prompt query d_model"], probe: Float[Tensor, " d_model"]
) -> Float[Tensor, "prompt query"]:
    """ŷ of a probe, float64 on the CPU."""
    return stream.double().cpu() @ probe


def risk_of(predictions: Float[Tensor, "prompt query"], prompts: Prompts) -> tuple[float, float]:
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
    if math.isnan(risk) or risk > risks_by_steps[0]:
        return math.nan
    for n, reached in enumerate(risks_by_steps):
        if reached == risk:
            return float(n)
        if reached < risk:
            before = risks_by_steps[n - 1]
            return n - 1 + math.log(before / risk) / math.log(before / reached)
    return math.inf


def named_algorithms(prompts: Prompts) -> dict[str, Float[Tensor, "prompt query"]]:
    """Predictions, float64 on the CPU, of the algorithms a layer may have arrived at.

    1 … 6 steps of gradient descent with the step sizes that are best at this k, 1 … 4 steps of
    Newton's iteration, and the ends of both: zero and least squares. Names as in ``references``.
    """
    d, k = prompts.x.shape[-1], prompts.x.shape[-2]
    spectrum = expected_spectrum(d, [k], 2 * 6)
    found = {"zero": zero(prompts)}
    for n in range(1, 7):
        name = "one" if n == 1 else str(n)
        found[f"{name}-step GD, tuned at k"] = gradient_descent(
            prompts, optimal_step_sizes(n, spectrum)
        )
    found |= {f"{n}-step Newton": newton(prompts, n) for n in range(1, 5)}
    found["OLS"] = ordinary_least_squares(prompts)
    return {name: predictions[0].double().cpu() for name, predictions in found.items()}


def nearest_algorithm(
    predictions: Float[Tensor, "prompt query"],
    algorithms: dict[str, Float[Tensor, "prompt query"]],
) -> tuple[str | None, float]:
    """The algorithm of least E|ŷ − ŷ_algorithm| (von Oswald et al. 2023), and that distance.

    (None, nan) for predictions that are not finite.
    """
    if not predictions.isfinite().all():
        return None, math.nan
    distances = {
        name: float((predictions - other).abs().mean()) for name, other in algorithms.items()
    }
    name = min(distances, key=distances.__getitem__)
    return name, distances[name]
