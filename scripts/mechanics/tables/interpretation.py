"""What a network has become, in the words of the comparative table, from what was measured on it.

Nothing is awarded for accuracy alone: regression is named by the reference algorithm whose
spectral filter is nearest at the same context length, addition by the circuit that is found and
that suffices.
"""

import math
from collections import Counter

import pandas as pd

from mechanics.regression.filters import KINDS
from mechanics.tables.spectral_filter import filter_distances

GENERALISES, CIRCUIT = "Generalises, algorithm not identified", "Fourier circuit"


def describe_filter(filters: pd.DataFrame) -> str:
    """The algorithm of the nearest filter on average, the next, how many seeds agree, what is left.

    Distance to least squares is a network's own error where nothing is noisy: it names nothing,
    which a filter does. ``filters``: what ``regression.filters`` wrote, of one context length.
    """
    if filters.empty:
        return "no sound seed"
    found = filter_distances(filters, ["seed"])
    nearest = found.groupby("algorithm")["distance"].mean().sort_values()
    (first, distance), (second, further) = list(nearest.items())[:2]
    of_seeds = found.sort_values("distance").groupby("seed")["algorithm"].first()
    agree = int((of_seeds == first).sum())
    name = first if agree == len(of_seeds) else f"{first} on average"
    return (
        f"{KINDS[first]}: filter nearest to {name}, in {agree} of {len(of_seeds)} seeds "
        f"(distance {distance:.3f}; next {second}, {further:.3f}); "
        f"no filter explains {found['unexplained'].mean():.1%}"
    )


def describe_addition(
    evaluation: pd.DataFrame, circuit: pd.DataFrame, parsimony: pd.DataFrame, n_layers: int, p: int
) -> str:
    """What the seeds have become, counted, each kind with its evidence.

    ``evaluation``, ``circuit``, ``parsimony``: what analyse_addition.py wrote
    of the sound seeds of one network.
    """
    if evaluation.empty:
        return "no sound seed"
    kinds = {}
    for seed, own in evaluation.groupby("seed"):
        kinds[seed] = nearest_profile(own, p)
        if kinds[seed] == GENERALISES and is_fourier(parsimony[parsimony["seed"] == seed], p):
            kinds[seed] = CIRCUIT
    clauses = []
    for kind, count in Counter(kinds.values()).most_common():
        seeds = [seed for seed, own in kinds.items() if own == kind]
        counted = f"in {count} of {len(kinds)} seeds"
        if kind == CIRCUIT:
            layers = "one layer" if n_layers == 1 else f"{n_layers} layers"
            own = circuit[circuit["seed"].isin(seeds)]
            n_keys = _span(own["key_frequencies"].str.split().str.len())
            clauses.append(
                f"{kind}, {layers}, {counted} ({clock_or_pizza(own)}): {n_keys} key frequencies "
                "suffice and are needed"
            )
        elif kind == GENERALISES:
            words = describe_logits(evaluation[evaluation["seed"].isin(seeds)])
            clauses.append(f"{kind}, {counted}: {words}")
        else:
            clauses.append(f"{kind}, {counted}")
    return "; ".join(clauses)


def addition_profiles(p: int, swapped: float) -> dict[str, tuple[float, float]]:
    """(training, validation) accuracy of what a network may have become.

    ``swapped``: share of the validation pairs (a, b) with (b, a) trained on, all that a lookup
    table gets right that knows that addition commutes.
    """
    return {
        "Untrained: guessing": (1 / p, 1 / p),
        "Lookup table": (1.0, 1 / p),
        "Symmetric lookup table": (1.0, swapped + (1 - swapped) / p),
        GENERALISES: (1.0, 1.0),
    }


def nearest_profile(own: pd.DataFrame, p: int) -> str:
    """The profile nearest to one seed's training and validation accuracy."""
    rows = own.set_index("split")
    found = tuple(rows.loc[["train", "validation"], "accuracy"])
    swapped = rows.loc["validation_swapped", "n_pairs"] / rows.loc["validation", "n_pairs"]
    profiles = addition_profiles(p, swapped)
    return min(profiles, key=lambda name: math.dist(profiles[name], found))


def is_fourier(own: pd.DataFrame, p: int) -> bool:
    """Whether one seed's key frequencies suffice and are needed, ``own`` being its parsimony.

    With them alone in the logits every pair is right; without them the loss over all pairs is that
    of guessing, ln p, or more. A network in which no key frequencies are found has neither.
    """
    rows = own.set_index("kind")
    suffice = rows.loc["keys_only", "min_margin"] > 0  # nan without keys
    return bool(suffice and rows.loc["without_keys", "loss"] >= math.log(p))


def clock_or_pizza(circuit: pd.DataFrame) -> str:
    """In how many seeds either explains the larger share of the logits of single circles."""
    clock = int((circuit["q_clock"] > circuit["q_pizza"]).sum())
    return f"nearer to clock in {clock}, pizza in {len(circuit) - clock}"


def describe_logits(evaluation: pd.DataFrame) -> str:
    """How far the logits are a sum of cos ω(a+b−c) at all, over every frequency."""
    logits = evaluation[evaluation["split"] == "all"]
    return (
        f"no key frequencies in its logits, of whose variance {logits['sum_fve'].mean():.0%} is a "
        f"sum of cos ω(a+b−c), over {_span(logits['n_frequencies'])} frequencies to nine tenths"
    )


def _span(counts: pd.Series) -> str:
    low, high = int(counts.min()), int(counts.max())
    return str(low) if low == high else f"{low} to {high}"
