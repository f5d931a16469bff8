"""Loss, accuracy and margin of final networks on the parts of all p² pairs, in float64."""

import math

import pandas as pd

from mechanics.addition.ablation import judge, key_spectrum
from mechanics.addition.activations import addition_activations
from mechanics.addition.fourier import key_frequencies, n_frequencies_for, share_of, sum_spectrum
from mechanics.addition.splits import members
from mechanics.models.weights import Network

SHARE = 0.9  # of the part of the logits that depends on a + b − c, carried by n_frequencies


def measure(network: Network, split: pd.DataFrame | None) -> dict[str, list[dict]]:
    """``evaluation``: a row per part of the pairs (``members``), nan where it has none."""
    logits = addition_activations(network.weights, network.architecture).logits
    answers, spectrum = judge(logits), sum_spectrum(logits)
    keys = key_frequencies(key_spectrum(network, logits)) if network.finite else []
    rows = [
        {
            "status": network.status,
            "step": network.step,
            "split": name,
            "n_pairs": int(own.sum()),
            "n_right": int(answers.right[own].nansum()),
            "accuracy": answers.over(own)["accuracy"],
            "loss": answers.over(own)["loss"],
            "min_margin": answers.min_margin(own),
            "sum_fve": float(spectrum.sum()),
            "n_frequencies": n_frequencies_for(spectrum / spectrum.sum(), SHARE),
            "key_frequencies": " ".join(map(str, keys)),
            "logit_fve": share_of(spectrum, keys) if keys else math.nan,
        }
        for name, own in members(split, len(logits)).items()
    ]
    return {"evaluation": rows}
