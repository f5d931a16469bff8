"""Progress measures of grokking: what the key frequencies alone do, and what is left without them.

Nanda et al. 2023, "Progress measures for grokking via mechanistic interpretability", sec. 5. All
logits are those at "=" of all p² pairs, b running fastest; losses are cross-entropies in nats,
ln p for a network that only guesses.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float
from torch import Tensor

from mechanics.addition.activations import neuron_logits
from mechanics.addition.fourier import along_sum, frequency_shares, project, sum_means, sum_spectrum
from mechanics.addition.pairs import all_pairs, cross_entropy, grokking_step, targets
from mechanics.models.addition import Parameters
from mechanics.models.transformer import Architecture
from mechanics.tables.emergence import transition

MATRICES = ("W_E", "W_pos", "W_Q", "W_K", "W_V", "W_O", "W_in", "W_out", "W_U")
MOMENTS = (
    *("memorised_step", "circuit_formation_step", "cleanup_step", "grokking_step"),
    "cleanup_end_step",
)


def key_spectrum(
    parameters: Parameters, architecture: Architecture, logits: Float[Tensor, "pair token"]
) -> Float[Tensor, "frequency"]:
    """The shares by which key frequencies are chosen: of W_L, or else ``sum_spectrum``."""
    if architecture.reads_neurons_directly:
        return frequency_shares(neuron_logits(parameters, architecture).T)
    return sum_spectrum(logits).cpu()


def restricted_logits(
    logits: Float[Tensor, "pair token"], keys: Sequence[int]
) -> Float[Tensor, "pair token"]:
    """What the key frequencies say of a + b, and the mean over pairs; all else is taken away.

    The projection averages over all pairs of the same sum, which lends what a network knows of
    some pairs to the others: it can be right where the network is not, as a memorised network is
    everywhere with all frequencies, and partly with three. Read it beside what other frequencies
    alone answer and what is lost without these.
    """
    p = logits.shape[-1]
    sums = targets(all_pairs(p), p).to(logits.device)
    return restricted_to(sum_means(logits.double(), p), keys)[sums]


def restricted_to(
    of_sums: Float[Tensor, "sum token"], keys: Sequence[int]
) -> Float[Tensor, "sum token"]:
    """``restricted_logits`` of the pairs of each sum, from their mean logits."""
    return project(of_sums, keys) + of_sums.mean(dim=0)


def excluded_logits(
    logits: Float[Tensor, "pair token"], keys: Sequence[int]
) -> Float[Tensor, "pair token"]:
    """The logits without what these key frequencies say of a + b."""
    exact = logits.double()
    return exact - along_sum(exact, keys, logits.shape[-1])


def pair_losses(logits: Float[Tensor, "pair token"]) -> Float[Tensor, " pair"]:
    """Cross-entropy of every pair, float64."""
    p = logits.shape[-1]
    return cross_entropy(logits, targets(all_pairs(p), p).to(logits.device))


def logit_fve(logits: Float[Tensor, "pair token"], keys: Sequence[int]) -> float:
    """Share of the logits' variance, centred over c, in Σ_{k∈K} cos ω_k (a + b − c) alone."""
    return float(sum_spectrum(logits)[[k - 1 for k in keys]].sum())


def norms_squared(parameters: Parameters) -> dict[str, float]:
    """Σθ² of every matrix (over all layers), of biases and LayerNorms ("other"), and in total."""
    norms = dict.fromkeys((*MATRICES, "other"), 0.0)
    for name, tensor in parameters.items():
        matrix = name.rsplit(".", 1)[-1]
        own = matrix if matrix in MATRICES else "other"
        norms[own] += float(tensor.double().square().sum())
    named = {f"norm_squared_{matrix}": norm for matrix, norm in norms.items()}
    return {"norm_squared": sum(norms.values()), **named}


def change_points(frame: pd.DataFrame, p: int, threshold: float) -> dict[str, float]:
    """The steps at which one training changes its phase; nan for what never happened.

    ``frame``: one seed's rows, in order, with the columns of ``progress.COLUMNS``.
    All but the last are steps of checkpoints, no finer than these are saved.

    - memorised_step: the first with training accuracy ≥ ``threshold``;
    - circuit_formation_step: where the excluded training loss is least, from memorising on: after
      it the network needs its key frequencies more and more, even for the pairs that it knows.
      nan if the loss does not rise from below ln p, that of a guess, to above it;
    - cleanup_step: the first from which the validation loss stays below ln p: what the network
      has memorised no longer makes it worse than a guess on other pairs;
    - grokking_step: the first from which validation accuracy stays ≥ ``threshold``;
    - cleanup_end_step: Σθ² has done 90 % of its fall since memorising (``emergence.transition``),
      if there was a cleanup and a fall of at least a tenth.
    """
    steps, guess = frame["step"].to_numpy(), math.log(p)
    found = dict.fromkeys(MOMENTS, math.nan)
    memorised = np.flatnonzero(frame["accuracy_train"] >= threshold)
    below = grokking_step(steps.tolist(), (-frame["loss_validation"]).tolist(), -guess)
    grokked = grokking_step(steps.tolist(), frame["accuracy_validation"].tolist(), threshold)
    if grokked is not None:
        found["grokking_step"] = float(grokked)
    if not len(memorised):
        return found
    later = frame.iloc[memorised[0] :]
    found["memorised_step"] = float(steps[memorised[0]])
    excluded = later["excluded_loss_train"].to_numpy()
    least = int(excluded.argmin())
    if excluded[least] < guess < excluded[least:].max():  # nan, without key frequencies, is not
        found["circuit_formation_step"] = float(later["step"].iloc[least])
    if below is not None:
        norm = later["norm_squared"].to_numpy()
        fall = transition(later["step"].to_numpy(), -norm, least_gain=0.1 * norm[0])
        found |= {"cleanup_step": float(below), "cleanup_end_step": fall.end_step}
    return found
