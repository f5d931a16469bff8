"""Risk laws of depth: what L steps reach at best, with what step sizes.

A method of L steps leaves w − ŵ = p(S)w with a polynomial p, p(0) = 1, so that its risk is the
mean of p² over the spectrum of S = XᵀX/k; with noise ``Spectrum.risk`` adds what that costs. Each
law names the degree from which it is exact on an ``expected_spectrum``: twice that of p. A spectrum
of several context lengths gives the optimum for their mixture, whose risk at one k is then the risk
on the spectrum of that k.
The bracket: tied steps ≥ free steps ≥ GD++ ≥ ``polynomial_floor`` ≥ least squares.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import brentq, minimize
from torch import Tensor

from mechanics.regression.laws.spectrum import Spectrum, jacobi_matrix

FAR = 1e12  # stands for any risk beyond it, from which BFGS turns back


def gradient_descent_risk(
    step_sizes: Sequence[float], spectrum: Spectrum, noise: float = 0.0
) -> float:
    """Risk of gradient descent with these step sizes: the mean of Π(1 − η_l s)² (degree 2L)."""
    steps = torch.tensor(list(step_sizes), dtype=torch.float64)
    residual = (1 - steps[:, None] * spectrum.eigenvalues).prod(dim=0)
    return spectrum.risk(residual, noise).item()


def optimal_tied_step_size(n_steps: int, spectrum: Spectrum, noise: float = 0.0) -> float:
    """The step size that is best when it is used ``n_steps`` = L times (degree 2L).

    (1 − ηs)^(2L) is convex in η and so is its mean: the zero of its slope is the only minimum. The
    slope gives it to the last digits, where the risk itself, flat there, would give but half. With
    noise, ν = σ²/k, a factor of the slope changes: p = (1 − ηs)^L to p − ν(1 − p)/s.
    """
    s, per_pair = spectrum.eigenvalues, noise / spectrum.n_keys
    # There the risk is at least 1 (Jensen), as it is at 0: the minimum lies between.
    bound = 2 / spectrum.mean(s)

    def slope(step_size: float) -> float:
        left = 1 - step_size * s
        lost = per_pair * (1 - left**n_steps) * left ** (n_steps - 1)
        return spectrum.mean(s * left ** (2 * n_steps - 1) - lost)

    return brentq(slope, 0.0, bound, xtol=1e-15)


def optimal_step_sizes(n_steps: int, spectrum: Spectrum, noise: float = 0.0) -> list[float]:
    """The step sizes, smallest first, of the best L = ``n_steps`` steps (degree 2L).

    The optimal p is orthogonal, in the measure s·dμ(s), to all polynomials of lower degree. Its
    roots 1/η_l are therefore the eigenvalues of that measure's Jacobi matrix, and all step sizes
    are real and positive (the residual polynomial of minimal residuals, Fischer 1996).
    Small steps come first: they damp what the large ones would magnify. With noise the best p may
    have complex roots: the best real step sizes near those without noise.

    Raises ValueError if the spectrum has too few positive nodes.
    """
    positive = spectrum.eigenvalues > 0
    nodes, weights = spectrum.eigenvalues[positive], spectrum.weights[positive]
    diagonal, beside, _ = _lanczos(nodes, nodes * weights, n_steps)
    steps = np.sort(1 / torch.linalg.eigvalsh(jacobi_matrix(diagonal, beside)).numpy())
    if not noise:
        return steps.tolist()

    def risk(logs: np.ndarray) -> float:
        return gradient_descent_risk(np.exp(logs).tolist(), spectrum, noise)

    return sorted(np.exp(minimize(risk, np.log(steps)).x).tolist())


def polynomial_floor(degree: int, spectrum: Spectrum, noise: float = 0.0) -> float:
    """Risk of the best polynomial of this degree (twice the degree).

    With degree L it is the risk of L free steps. With degree (3^L − 1)/2 no L layers of linear
    attention can do better, as long as predictions are linear in y.

    With noise, ν = σ²/k of one k, the risk is that of ridge, mean of ν/(s + ν), plus that of
    r = 1 − (s + ν)q with weights s/(s + ν): a polynomial in s + ν whose r(0) is 1.

    Raises ValueError if the spectrum has too few nodes.
    """
    if not noise:
        return mixture_floors(degree, [spectrum])[0]
    s, shift = spectrum.eigenvalues, noise / spectrum.n_keys
    kept = torch.where(s > 0, s / (s + shift), 0.0)
    shifted = Spectrum(s + shift, spectrum.weights * kept, spectrum.n_keys)
    return spectrum.mean(1 - kept) + spectrum.mean(kept) * mixture_floors(degree, [shifted])[0]


def mixture_floors(degree: int, spectra: Sequence[Spectrum]) -> list[float]:
    """Risk on each spectrum of the one polynomial that is best in their mean (twice the degree).

    1 − bᵀM⁻¹b with b_j = m_j, M_ij = m_(i+j) (a test solves it), but M is ill-conditioned. With
    the orthonormal polynomials π_0 … π_degree of the mean spectrum the best one is
    Σ π_j(0) π_j(s) / Σ π_j(0)² (Christoffel), and Lanczos's vectors are π_j(s) √weight.

    Raises ValueError if the spectra have too few nodes.
    """
    nodes, weights = (
        torch.cat([getattr(own, name) for own in spectra]) for name in ("eigenvalues", "weights")
    )
    diagonal, beside, basis = _lanczos(nodes, weights / len(spectra), degree + 1)
    at_zero, total = [1.0], 1.0
    for j in range(degree):
        below = beside[j - 1].item() * at_zero[-2] if j else 0.0
        at_zero.append(-(diagonal[j].item() * at_zero[-1] + below) / beside[j].item())
        total += at_zero[-1] ** 2
        if total > 1e30:  # no risk that small can be told from 0, and the next would overflow
            break
    values = torch.tensor(at_zero, dtype=torch.float64) @ basis[: len(at_zero)] / total
    each = values.split([len(own.eigenvalues) for own in spectra])
    return [len(spectra) * own.square().sum().item() for own in each]


def _lanczos(
    nodes: Float[Tensor, " node"], weights: Float[Tensor, " node"], n: int
) -> tuple[Float[Tensor, " n"], Float[Tensor, " n-1"], Float[Tensor, "n node"]]:
    """Diagonal and off-diagonal of the n × n Jacobi matrix of a measure, and Lanczos's vectors."""
    if len(nodes) < n:
        raise ValueError(f"{len(nodes)} eigenvalues cannot determine {n} polynomials")
    basis = torch.zeros(n, len(nodes), dtype=torch.float64)
    diagonal = torch.zeros(n, dtype=torch.float64)
    beside = torch.zeros(n - 1, dtype=torch.float64)
    image = weights.sqrt()
    for i in range(n):
        basis[i] = image / image.norm()
        image = nodes * basis[i]
        diagonal[i] = basis[i] @ image
        if i + 1 < n:
            for _ in range(2):  # once is not enough: Lanczos vectors lose their orthogonality
                image = image - basis[: i + 1].T @ (basis[: i + 1] @ image)
            beside[i] = image.norm()
    return diagonal, beside, basis


def gd_plus_plus_risk(
    step_sizes: Sequence[float], gammas: Sequence[float], spectrum: Spectrum
) -> float:
    """Risk of ``gd_plus_plus`` (degree 3^L − 1)."""
    return _gd_plus_plus(np.array([*step_sizes, *gammas]), spectrum)[0]


def _gd_plus_plus(parameters: np.ndarray, spectrum: Spectrum) -> tuple[float, np.ndarray]:
    """The risk and its slope by each of the L step sizes and L − 1 γ.

    ``left`` is p(s), while the transformed x keeps a factor q(s): each step sees the eigenvalue
    q²s. The slopes go back through the steps; by autograd all of it takes four times as long.
    """
    s, weights = spectrum.eigenvalues.numpy(), spectrum.weights.numpy()
    n = (len(parameters) + 1) // 2
    layers = list(zip(parameters[:n], [*parameters[n:], 0.0], strict=True))
    before, left, kept = [], np.ones_like(s), np.ones_like(s)
    for step_size, gamma in layers:
        before.append((left, kept, kept**2 * s))
        left, kept = left * (1 - step_size * before[-1][2]), kept * (1 - gamma * before[-1][2])
    risk, by_left, by_kept, slopes = float(weights @ left**2), 2 * weights * left, 0.0 * s, []
    for (step_size, gamma), (left, kept, seen) in zip(layers[::-1], before[::-1], strict=True):
        slopes.append((-(by_left * left) @ seen, -(by_kept * kept) @ seen))
        by_seen = -step_size * by_left * left - gamma * by_kept * kept
        by_left = by_left * (1 - step_size * seen)
        by_kept = by_kept * (1 - gamma * seen) + 2 * by_seen * kept * s
    return risk, np.array(slopes[::-1]).T.ravel()[:-1]


def optimal_gd_plus_plus(
    n_steps: int, spectrum: Spectrum, n_starts: int = 8
) -> tuple[list[float], list[float]]:
    """The best step sizes and γ found for ``gd_plus_plus`` (degree 3^L − 1).

    The risk has many local minima. Layer after layer is added to the best so far from twice
    ``n_starts`` random starts, so that more layers are never worse; the result bounds the
    optimum from above, as ``polynomial_floor`` does from below. Half of the starts are near the
    best so far; in the others the next step is several times as long as the last, which has left
    the small eigenvalues. Factors of the start are sought: steps of a stack differ by 10² and more.
    Minima of almost the same risk can be far apart as filters: of three steps, d = 10, the next one
    is 0.3 % worse than the best, and a network of three layers is nearer to it. One in 25 of the
    starts with a longer step ends in the best.
    """

    def risk(factors: np.ndarray, start: np.ndarray) -> tuple[float, np.ndarray]:
        with np.errstate(over="ignore", invalid="ignore"):  # too far, and turned back
            value, slopes = _gd_plus_plus(factors * start, spectrum)
        return (value, slopes * start) if value < FAR else (FAR, np.zeros(len(factors)))

    random = np.random.default_rng(0)
    steps, gammas = np.array(optimal_step_sizes(1, spectrum)), np.array([])
    for n in range(2, n_steps + 1):
        ones, best = np.ones(2 * n - 1), np.concatenate([steps, [0.0], gammas, [0.0]])
        lowest = risk(ones, best)[0]
        before = best.copy()
        for _ in range(n_starts):
            added = steps[-1] * random.uniform(1, 10), steps[-1] * random.uniform(0, 1)
            longer = np.concatenate([steps, added[:1], gammas, added[1:]])
            near = before + random.uniform(0, 1, size=2 * n - 1)
            for start in (near, longer * random.uniform(0.7, 1.3, size=2 * n - 1)):
                found = minimize(risk, ones, (start,), jac=True, method="BFGS")
                if found.fun < lowest:
                    lowest, best = found.fun, start * found.x
        steps, gammas = best[:n], best[n:]
    return steps.tolist(), gammas.tolist()


def ridge_risk(penalty: float, k: int, spectrum: Spectrum, noise: float = 0.0) -> float:
    """Risk of ``ridge`` from a ``density_spectrum`` of this k: no polynomial, hence no exact law.

    The mean of (ρ/(ks + ρ))², the share of w that is shrunk away, plus σ²·ks/(ks + ρ)².
    """
    squared_singular = k * spectrum.eigenvalues
    shrunk = penalty**2 + noise * squared_singular
    return spectrum.mean(shrunk / (squared_singular + penalty) ** 2)
