"""Rows of the comparative table (section 4.1 of the study), from evaluations and run records.

The interpretation is computed: the reference predictor nearest to the network's own predictions,
its distance, and that of the runner-up.
"""

import math

import pandas as pd

from mechanics.histories import grokking_moments
from mechanics.models.flops import addition_flops, regression_flops
from mechanics.references import KIND, reference_risks
from mechanics.statistics import Estimate, mean_over_seeds
from mechanics.training.objectives import architecture

COLUMNS = [
    *("configuration", "task", "metric", "value", "ci_low", "ci_high", "n_seeds"),
    *("reference", "reference_value", "flops_per_prompt", "train_flops", "interpretation"),
    "model",
]

ASSIGNED = ("Linear Attention (L=1)", "Softmax Attention (L=1)", "Deep Transformer (L=6)")


def assignment_order(row: dict) -> int:
    """Sorts the three configurations of the assignment's table first, others after them."""
    name = row["configuration"]
    return ASSIGNED.index(name) if name in ASSIGNED else len(ASSIGNED)


def configuration(settings: dict) -> str:
    """A network in the words of the assignment's table, e.g. "Linear Attention (L=1)"."""
    depth, heads = settings["n_layers"], settings["n_heads"]
    if depth > 1 and settings["d_mlp"]:
        return f"Deep Transformer (L={depth})"
    several = f", {heads} heads" if settings["d_model"] == "token" and heads > 1 else ""
    return f"{settings['attention'].capitalize()} Attention (L={depth}{several})"


def _row(metric: str, estimate: Estimate, reference: tuple[str, float], common: dict) -> dict:
    name, level = reference
    return {
        **common,
        "metric": metric,
        "value": estimate.value,
        "ci_low": estimate.low,
        "ci_high": estimate.high,
        "n_seeds": estimate.n,
        "reference": name,
        "reference_value": level,
    }


def _common(model: str, records: list[dict], flops: int, interpretation: str) -> dict:
    settings = records[0]["settings"]
    replicas = [replica for record in records for replica in record["replicas"]]
    diverged = diverged_seeds(records)
    if diverged:
        interpretation += f"; {len(diverged)} of {len(replicas)} seeds diverged, not in the mean"
    return {
        "configuration": configuration(settings),
        "task": settings["task"],
        "flops_per_prompt": flops,
        "train_flops": mean_over_seeds(replica["train_flops"] for replica in replicas).value,
        "interpretation": interpretation,
        "model": model,
    }


def diverged_seeds(records: list[dict]) -> list[int]:
    """Seeds that have no final weights: said in the interpretation, left out of every mean."""
    replicas = [replica for record in records for replica in record["replicas"]]
    return [replica["seed"] for replica in replicas if replica["status"] == "diverged"]


def _sound(frame: pd.DataFrame, records: list[dict]) -> pd.DataFrame:
    return frame[~frame["seed"].isin(diverged_seeds(records))]


def regression_rows(
    model: str, records: list[dict], risks: pd.DataFrame, distances: pd.DataFrame, settings: dict
) -> list[dict]:
    """Normalised risk at the tabulated context lengths, each beside OLS and the one-step optimum.

    FLOPs are those of one prompt with the longest tabulated context and one test point.
    """
    own, lengths = records[0]["settings"], settings["tabulated_at"]
    risks, distances = _sound(risks, records), _sound(distances, records)
    nearest = nearest_algorithms(distances[distances["k"].isin(lengths)])
    flops = regression_flops(architecture(own), own["d"], max(lengths))
    common = _common(model, records, flops, describe_nearest(nearest))
    result = []
    for k in lengths:
        estimate = mean_over_seeds(risks.loc[risks["k"] == k, "risk"])
        levels = reference_risks(own["d"], k)
        for name in ("OLS", "one-step optimum r*"):
            reference = (name, levels[name])
            result.append(_row(f"MSE/d at k = {k}", estimate, reference, common))
    return result


def nearest_algorithms(distances: pd.DataFrame) -> pd.Series:
    """Mean preds diff to each algorithm over seeds and lengths, nearest first."""
    return distances.groupby("algorithm")["preds_diff"].mean().sort_values()


def describe_nearest(nearest: pd.Series) -> str:
    if len(nearest) == 0:
        return "no sound seed"
    (first, distance), (second, further) = list(nearest.items())[:2]
    return (
        f"{KIND[first]}: nearest to {first} (mean absolute difference {distance:.3f}; "
        f"next {second}, {further:.3f})"
    )


def addition_rows(
    model: str, records: list[dict], evaluation: pd.DataFrame, history: pd.DataFrame
) -> list[dict]:
    """Accuracy on all pairs and on those never trained on, validation loss, grokking step."""
    own = records[0]["settings"]
    evaluation, history = _sound(evaluation, records), _sound(history, records)
    p = own["p"]
    flops = addition_flops(architecture(own), p)
    common = _common(model, records, flops, describe_addition(evaluation, p))
    moments = grokking_moments(history.assign(model=model), own["grokking_accuracy"])
    chance, guess = ("chance 1/p", 1 / p), ("uniform guess ln p", math.log(p))
    budget = ("last step of the budget", own["steps"])
    by_split = {split: evaluation[evaluation["split"] == split] for split in ("all", "validation")}
    measured = [
        ("accuracy, all pairs", by_split["all"]["accuracy"], chance),
        ("accuracy, validation", by_split["validation"]["accuracy"], chance),
        ("loss, validation (nats)", by_split["validation"]["loss"], guess),
        ("grokking step", moments["grokking_step"], budget),
    ]
    return [
        _row(metric, mean_over_seeds(values), reference, common)
        for metric, values, reference in measured
    ]


def addition_profiles(p: int, swapped: float) -> dict[str, tuple[float, float]]:
    """(training, validation) accuracy of what a network may have become.

    ``swapped``: share of the validation pairs (a, b) with (b, a) trained on, all that a lookup
    table gets right that knows that addition commutes.
    """
    return {
        "Untrained: guessing": (1 / p, 1 / p),
        "Lookup table": (1.0, 1 / p),
        "Symmetric lookup table": (1.0, swapped + (1 - swapped) / p),
        "Multi-step / Algorithmic: modular addition": (1.0, 1.0),
    }


def describe_addition(evaluation: pd.DataFrame, p: int) -> str:
    """The nearest profile, how many seeds have every pair right, and what the logits depend on."""
    if len(evaluation) == 0:
        return "no sound seed"
    mean = evaluation.groupby("split")[["accuracy", "n_pairs"]].mean()
    found = (mean.loc["train", "accuracy"], mean.loc["validation", "accuracy"])
    swapped = mean.loc["validation_swapped", "n_pairs"] / mean.loc["validation", "n_pairs"]
    profiles = addition_profiles(p, swapped)
    name = min(profiles, key=lambda profile: math.dist(profiles[profile], found))
    everything = evaluation[evaluation["split"] == "all"]
    perfect = int((everything["n_right"] == everything["n_pairs"]).sum())
    text = f"{name} (all {p * p:,} pairs right in {perfect} of {len(everything)} seeds)"
    fve = everything["sum_fve"].mean()
    counts = everything["n_frequencies"].dropna().astype(int)
    if perfect and len(counts):
        low, high = counts.min(), counts.max()
        some = str(low) if low == high else f"{low}–{high}"
        text += f"; {fve:.0%} of logit variance is a sum of cos ω(a+b−c), 90 % of it {some} of them"
    return text


def as_markdown(table: pd.DataFrame) -> str:
    """The table to read: a row for each configuration, task and metric, references beside it."""
    shown = []
    keys = ["configuration", "model", "task", "metric"]
    for (name, model, task, metric), part in table.groupby(keys, sort=False):
        first = part.iloc[0]
        references = [
            f"{row.reference}: {_number(row.reference_value)}"
            for row in part.itertuples()
            if row.reference
        ]
        shown.append(
            {
                "Model configuration": name,
                "entry": f"`{model}`",
                "Task": task.replace("_", " "),
                "Metric": metric,
                "Value (95 % interval)": _interval(first),
                "Seeds": first["n_seeds"],
                "Reference": "; ".join(references),
                "FLOPs per prompt": f"{first['flops_per_prompt']:,}",
                "FLOPs of training": f"{first['train_flops']:.2g}",
                "Interpretation": first["interpretation"],
            }
        )
    note = (
        "\nMSE/d is the mean squared error over E[y²] = d, so that predicting zero scores 1. "
        "Intervals are Student's over seeds; all seeds share the evaluation prompts.\n"
    )
    return pd.DataFrame(shown).to_markdown(index=False) + "\n" + note


def _interval(row: pd.Series) -> str:
    if row["n_seeds"] == 0:
        return "never"
    text = _number(row["value"])
    if math.isnan(row["ci_low"]):
        return text
    return f"{text} [{_number(row['ci_low'])}, {_number(row['ci_high'])}]"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
