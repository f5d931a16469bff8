"""What a network has become, in the words of the comparative table, from what was measured on it.

Nothing is awarded for accuracy alone: regression is named by the reference algorithm whose
spectral filter is nearest at the same context length, addition by the circuit that is found and
that suffices, or by what is answered when a part of the stream is exchanged.
"""

import math
from collections import Counter

import pandas as pd

from mechanics.regression.references import kind_of
from mechanics.tables.regression import filter_distances

MEASURED = ("evaluation", "circuit", "parsimony", "sum_in_stream", "sum_exchange")  # of addition
UNKNOWN = "Algorithm not identified, nor which pairs were trained on"  # of an imported network
GENERALISES, CIRCUIT = "Generalises, algorithm not identified", "Fourier circuit"
SUM = "Sum in Fourier features, then read off"
OF_NETWORK = ["logits_of_sum_and_c", "logits_of_sum_minus_c", "neurons", "neurons_of_one_sum"]
OF_THE_SUM, MOVED, MOVED_BY_REST = 0.99, 0.95, 0.05  # what earns a network the name SUM


def describe_filter(filters: pd.DataFrame) -> str:
    """The algorithm of the nearest filter on average, the next, how many seeds agree, what is left.

    Distance to least squares is a network's own error where nothing is noisy: it names nothing,
    which a filter does. ``filters``: what ``regression.filters`` wrote, of one context length.
    """
    if filters.empty:
        return "no sound seed"
    n_seeds = filters["seed"].nunique()
    found = filter_distances(filters, ["seed"]).dropna(subset="distance")
    if found.empty:
        return "no filter, because no prediction is a number"
    # Others may pass nothing on, too, as nearest neighbours do: of equals the zero is named.
    found = found.sort_values("algorithm", key=lambda names: names != "zero", kind="stable")
    means = found.groupby("algorithm", sort=False)["distance"].mean()
    nearest = means.sort_values(kind="stable")
    (first, distance), (second, further) = list(nearest.items())[:2]
    of_seeds = found.sort_values("distance", kind="stable").groupby("seed")["algorithm"].first()
    agree = int((of_seeds == first).sum())
    name = first if agree == n_seeds else f"{first} on average"
    return (
        f"{kind_of(first)}: filter nearest to {name}, in {agree} of {n_seeds} seeds "
        f"(distance {distance:.3f}; next {second}, {further:.3f}); "
        f"no filter explains {found['unexplained'].mean():.1%}"
    )


def describe_addition(measured: dict[str, pd.DataFrame], n_layers: int, p: int) -> str:
    """What the seeds have become, counted, each kind with its evidence.

    ``measured``: ``MEASURED``, as analyse_addition.py wrote it of the sound seeds of one network.
    """
    evaluation, circuit, parsimony, stream, exchange = (measured[name] for name in MEASURED)
    if evaluation.empty:
        return "no sound seed"
    kinds, carried = {}, carried_sums(stream, exchange)
    for seed, own in evaluation.groupby("seed"):
        kinds[seed] = nearest_profile(own, p)
        may_be = kinds[seed] in (GENERALISES, UNKNOWN)
        if may_be and is_fourier(parsimony[parsimony["seed"] == seed], p):
            kinds[seed] = CIRCUIT
        elif may_be and carried["is_carried"].get(seed, False):
            kinds[seed] = SUM
    clauses = []
    for kind, count in Counter(kinds.values()).most_common():
        seeds = [seed for seed, own in kinds.items() if own == kind]
        name, evidence = kind, ""
        if kind == CIRCUIT:
            name += ", one layer" if n_layers == 1 else f", {n_layers} layers"
            own = circuit[circuit["seed"].isin(seeds)]
            n_keys = _span(own["key_frequencies"].str.split().str.len())
            evidence = f" ({clock_or_pizza(own)}): {n_keys} key frequencies suffice and are needed"
        elif kind == SUM:
            evidence = f": {describe_sum(carried.loc[seeds])}"
        elif kind in (GENERALISES, UNKNOWN):
            evidence = f": {describe_logits(evaluation[evaluation['seed'].isin(seeds)])}"
        clauses.append(f"{name}, in {count} of {len(kinds)} seeds{evidence}")
    return "; ".join(clauses)


def nearest_profile(own: pd.DataFrame, p: int) -> str:
    """What has the accuracy, on training and validation pairs, nearest to one seed's, if known.

    All that a lookup table gets right that knows that addition commutes are the validation pairs
    (a, b) with (b, a) trained on.
    """
    rows = own.set_index("split")
    if "train" not in rows.index:
        return UNKNOWN
    found = tuple(rows.loc[["train", "validation"], "accuracy"])
    swapped = rows.loc["validation_swapped", "n_pairs"] / rows.loc["validation", "n_pairs"]
    profiles = {
        "Untrained: guessing": (1 / p, 1 / p),
        "Lookup table": (1.0, 1 / p),
        "Symmetric lookup table": (1.0, swapped + (1 - swapped) / p),
        GENERALISES: (1.0, 1.0),
    }
    return min(profiles, key=lambda name: math.dist(profiles[name], found))


def is_fourier(own: pd.DataFrame, p: int) -> bool:
    """Whether one seed's key frequencies suffice and are needed, ``own`` being its parsimony.

    With them alone in the logits every pair is right; without them the loss over all pairs is that
    of guessing, ln p, or more. A network in which no key frequencies are found has neither.
    """
    rows = own.set_index("kind")
    suffice = rows.loc["keys_only", "min_margin"] > 0  # nan without keys
    return bool(suffice and rows.loc["without_keys", "loss"] >= math.log(p))


def carried_sums(stream: pd.DataFrame, exchange: pd.DataFrame) -> pd.DataFrame:
    """By seed what is said of a sum in the stream, and whether it is one that ``is_carried``.

    It is if the logits are a function of (a + b, c) and if, before the last layer, the key
    frequencies of a + b exchanged between prompts move the answers and everything else does not.
    """
    told = stream[stream["quantity"].isin(OF_NETWORK)]
    of_network = told.pivot(index="seed", columns="quantity", values="value")
    keys, rest = (
        exchange[exchange["exchanged"] == f"{name} everywhere"].set_index("seed")
        for name in ("keys", "rest")
    )
    found = of_network.reindex(columns=OF_NETWORK).join(keys["n_frequencies"])
    found = found.assign(moved=keys["moved"], moved_by_rest=rest["moved"])
    return found.assign(
        is_carried=(found["logits_of_sum_and_c"] >= OF_THE_SUM)
        & (found["moved"] >= MOVED)
        & (found["moved_by_rest"] <= MOVED_BY_REST)
    )


def describe_sum(carried: pd.DataFrame) -> str:
    """The evidence that a sum is carried, over the seeds that have it."""
    of_sum, of_difference = (
        carried[f"logits_of_sum_{name}"].mean() for name in ("and_c", "minus_c")
    )
    rest = carried["moved_by_rest"].max()
    return (
        f"{of_sum:.1%} of the variance of its logits is a function of (a+b, c), {of_difference:.0%}"
        f" of a+b−c alone; the {_span(carried['n_frequencies'])} frequencies of a+b, exchanged"
        f" between prompts, move at least {carried['moved'].min():.1%} of the answers, all else"
        f" there {f'at most {rest:.1%}' if rest else 'none'};"
        f" {_span(carried['neurons_of_one_sum'])} of {_span(carried['neurons'])} neurons of the"
        " last layer fire at one sum only"
    )


def clock_or_pizza(circuit: pd.DataFrame) -> str:
    """Of how many circles either explains the larger share of the logits: one network has both."""
    n_circles = int(circuit["key_frequencies"].str.split().str.len().sum())
    n_clocks = int(circuit["clock_circles"].sum())
    return f"{n_clocks} of {n_circles} circles nearer to a clock than to a pizza"


def describe_logits(evaluation: pd.DataFrame) -> str:
    """How far the logits are a sum of cos ω(a+b−c) at all, over every frequency."""
    logits = evaluation[evaluation["split"] == "all"]
    if logits["n_frequencies"].isna().all():
        return "its logits are the same for every pair, or no numbers"
    return (
        f"no key frequencies in its logits, of whose variance {logits['sum_fve'].mean():.0%} is a "
        f"sum of cos ω(a+b−c), over {_span(logits['n_frequencies'])} frequencies to nine tenths"
    )


def _span(counts: pd.Series) -> str:
    low, high = int(counts.min()), int(counts.max())
    return str(low) if low == high else f"{low} to {high}"
