"""Neural collapse: how near a network that answers p sums is to a lookup into p code words.

The final stream of all pairs of one sum is a class. Papyan et al. 2020 (arXiv 2008.08186): classes
shrink to their means, the means lie alike and far from each other, and each is aligned with the
column of W_U that it is read by. Where the stream has fewer dimensions than there are classes, the
means cannot be orthogonal, and Welch 1974 bounds how near to it they are (Jiang et al. 2023,
arXiv 2310.05351).
"""

import torch
from jaxtyping import Float
from torch import Tensor

from mechanics.addition.fourier import sum_means
from mechanics.addition.pairs import all_pairs, targets

FIRES = 0.05  # share of its largest mean over the pairs of a sum, from which a neuron fires at one


def collapse(
    final: Float[Tensor, "pair d_model"], W_U: Float[Tensor, "d_model token"], dimensions: int
) -> dict[str, float]:
    """Measures of the stream that W_U reads, of all pairs, by their names.

    ``dimensions`` are those in which the stream can lie. Cosines are between class means, or
    columns of W_U, centred over the classes; ``off_diagonal_rms`` is at least ``welch_bound``, and
    about ``random_rms`` for means in random directions. ``tight_code_share`` is the share of
    a + b − c alone in the logits of a code at the bound: 1 in p − 1 dimensions or more.
    """
    p = W_U.shape[1]
    d = min(dimensions, p - 1)  # the means sum to zero
    means = sum_means(final, p)
    inside = (final - means[targets(all_pairs(p), p).to(final.device)]).square().sum() / p**2
    centred = means - means.mean(dim=0)
    norms = centred.norm(dim=1)
    columns = W_U.T - W_U.mean(dim=1)
    words = centred / norms[:, None]
    aligned = (words * columns / columns.norm(dim=1, keepdim=True)).sum(dim=1)
    others = (words @ words.T)[~torch.eye(p, dtype=torch.bool, device=final.device)]
    found = {
        "within_over_between": inside / norms.square().mean(),
        "norm_variation": norms.std() / norms.mean(),
        "aligned_with_W_U": aligned.mean(),
        "least_aligned_with_W_U": aligned.min(),
        "off_diagonal_rms": others.square().mean().sqrt(),
        "off_diagonal_largest": others.max(),
        "off_diagonal_least": others.min(),
    }
    bounds = {
        "welch_bound": ((p - d) / (d * (p - 1))) ** 0.5,
        "random_rms": d**-0.5,
        "tight_code_share": d / (p - 1),
    }
    return {name: float(value) for name, value in found.items()} | bounds


def neurons_of_one_sum(hook_post: Float[Tensor, "pair d_mlp"], p: int) -> dict[str, float]:
    """How many neurons fire at exactly one of the p sums, and how many sums have such a neuron.

    A neuron fires at a sum if its mean over the pairs of the sum is more than ``FIRES`` of the
    largest of these means.
    """
    means = sum_means(hook_post, p)
    largest = means.amax(dim=0)
    fires = (means > FIRES * largest) & (largest > 0)
    single = fires[:, fires.sum(dim=0) == 1]
    return {
        "neurons": float(fires.shape[1]),
        "neurons_of_one_sum": float(single.shape[1]),
        "sums_with_a_neuron": float(single.any(dim=1).sum()),
    }
