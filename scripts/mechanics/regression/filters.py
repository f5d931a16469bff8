"""Which algorithm? How much of w a predictor keeps along each eigenvector of S = XᵀX/k.

Where predictions are linear in y and nothing is noisy, g = ∂ŷ/∂x_test is f(S)w: a step of size c
has f(s) = cs, L steps a polynomial, ridge s/(s + λ), least squares 1. The filter of any predictor
is f(s) = E[(uᵀg)(uᵀw)] / E[(uᵀw)²] over eigenvectors u whose eigenvalue is near s. With noise the w
of least squares takes the place of w: all these algorithms make f(S) of that, whatever the noise.
"""

from dataclasses import dataclass
from functools import partial

import pandas as pd
import torch
from jaxtyping import Float, Int
from scipy.optimize import minimize_scalar
from torch import Tensor

from mechanics.models.prompts import Prompts
from mechanics.models.weights import Network
from mechanics.regression.algorithms import Predictor, gradient_descent, second_moments
from mechanics.regression.held_out import HeldOut, predictor, sensitivities
from mechanics.regression.laws.depth import optimal_tied_step_size
from mechanics.regression.laws.spectrum import expected_spectrum
from mechanics.regression.references import GD_DEPTHS, references_for

N_PROMPTS = 1024  # for the filters, and as many others to fit the penalty of ridge on
N_BINS, FINER = 12, 10
FITTED_RIDGE = "ridge, penalty fitted"


@dataclass(frozen=True)
class Directions:
    """The eigenvectors of S of positive eigenvalue, of every prompt, and w along them.

    There are min(k, d) a prompt. Bins hold equally many of them, by eigenvalue; fine bins divide
    each by ``FINER``, so that how f varies within a bin is not taken for what no f explains.
    """

    eigenvalues: Float[Tensor, "prompt direction"]
    vectors: Float[Tensor, "prompt d direction"]
    w: Float[Tensor, "prompt direction"]
    fine_bins: Int[Tensor, "prompt direction"]

    @property
    def bins(self) -> Int[Tensor, "prompt direction"]:
        return self.fine_bins // FINER


def directions(prompts: Prompts, n_bins: int = N_BINS) -> Directions:
    """Of w only what the context determines is needed: (uᵀw) = uᵀG/s, that of least squares."""
    covariance, gradient = (t[0] for t in second_moments(prompts.x.double(), prompts.y.double()))
    k, d = prompts.x.shape[-2:]
    eigenvalues, vectors = torch.linalg.eigh(covariance)
    eigenvalues, vectors = eigenvalues[:, -min(k, d) :], vectors[..., -min(k, d) :]
    w = (vectors.mT @ gradient[..., None])[..., 0] / eigenvalues
    ranks = eigenvalues.flatten().argsort().argsort().view_as(eigenvalues)
    return Directions(eigenvalues, vectors, w, ranks * n_bins * FINER // ranks.numel())


def binned(values: Float[Tensor, "prompt direction"], along: Directions) -> Float[Tensor, " bin"]:
    """The mean of a value over the directions of each bin."""
    return _sums(values, along.bins) / _sums(torch.ones_like(values), along.bins)


def _sums(values: Tensor, bins: Tensor) -> Float[Tensor, " bin"]:
    zero = torch.zeros(int(bins.max()) + 1, dtype=values.dtype, device=values.device)
    return zero.index_add(0, bins.flatten(), values.flatten())


def spectral_filter(
    g: Float[Tensor, "prompt query d"], along: Directions
) -> tuple[Float[Tensor, " bin"], float]:
    """f by bin, and the share of E‖g‖² that f(S)w leaves unexplained, whatever f.

    Unexplained are also g outside the span of the context, and what changes with x_test.
    """
    projected = (g @ along.vectors).mean(dim=1)  # prompt direction, mean over test points
    f, fine = (
        _sums(projected * along.w, bins) / _sums(along.w**2, bins)
        for bins in (along.bins, along.fine_bins)
    )
    kept = fine[along.fine_bins] * along.w
    # E‖g − f(S)w‖² = E‖g‖² − 2E[gᵀf(S)w] + E‖f(S)w‖²
    power = g.square().sum(-1).mean()
    explained = (2 * projected * kept - kept**2).sum(-1).mean()
    return f, float(1 - explained / power) if power else 0.0


def ridge_filter(penalty: float, along: Directions) -> Float[Tensor, " bin"]:
    """s/(s + λ) with the weights of ``spectral_filter``."""
    shrunk = along.eigenvalues / (along.eigenvalues + penalty)
    return binned(shrunk * along.w**2, along) / binned(along.w**2, along)


def fitted_penalty(g: Float[Tensor, "prompt query d"], along: Directions) -> float:
    """The λ with which ridge's filter is nearest to a predictor's: the one free parameter here."""
    f, _ = spectral_filter(g, along)

    def distance(log_penalty: float) -> float:
        return float((ridge_filter(10**log_penalty, along) - f).square().mean())

    return 10 ** minimize_scalar(distance, bounds=(-5, 2), method="bounded").x


def filter_references(settings: dict) -> dict[str, Predictor]:
    """All reference algorithms, and gradient descent that repeats one step size."""
    d, lengths = settings["d"], range(settings["k_min"], settings["k_max"] + 1)
    tied = {}
    for n in GD_DEPTHS:
        spectrum = expected_spectrum(d, lengths, 2 * n)
        step_size = optimal_tied_step_size(n, spectrum, settings.get("noise", 0.0))
        tied[f"{n}-step GD, tied"] = partial(gradient_descent, step_sizes=[step_size] * n)
    return references_for(settings) | tied


def filters(networks: list[Network], held_out: HeldOut) -> pd.DataFrame:
    """A row per seed, k, algorithm and bin of eigenvalues; algorithm ``network`` is the network.

    ``unexplained`` and ``penalty`` are the same in every bin. The algorithms are measured on the
    same prompts as the network, ridge is fitted on others.
    """
    settings, rows = networks[0].settings, []
    references = filter_references(settings)
    for k in held_out.lengths:
        both = held_out.prompts(k, 2 * N_PROMPTS)
        half = both.x.shape[1] // 2
        prompts, others = both.part(slice(half)), both.part(slice(half, None))
        along, along_others = directions(prompts), directions(others)
        found = {
            name: spectral_filter(sensitivities(own, prompts), along)
            for name, own in references.items()
        }
        for network in networks:
            penalty = fitted_penalty(sensitivities(predictor(network), others), along_others)
            own = spectral_filter(sensitivities(predictor(network), prompts), along)
            fitted = {FITTED_RIDGE: (ridge_filter(penalty, along), 0.0)}
            eigenvalues = binned(along.eigenvalues, along).tolist()
            for name, (f, unexplained) in ({"network": own} | found | fitted).items():
                common = {"seed": network.seed, "k": k, "algorithm": name}
                common |= {"unexplained": unexplained, "penalty": penalty}
                rows += [
                    {**common, "bin": b, "eigenvalue": s, "filter": value}
                    for b, (s, value) in enumerate(zip(eigenvalues, f.tolist(), strict=True))
                ]
    return pd.DataFrame(rows)
