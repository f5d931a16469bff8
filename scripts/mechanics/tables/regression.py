"""Tables of the regression networks, from what was measured on every run."""

from functools import partial

import numpy as np
import pandas as pd

from mechanics.models.transformer import architecture
from mechanics.regression.laws.depth_laws import bracket
from mechanics.regression.laws.risk import gradient_cosine, one_step_risk, optimal_step_size
from mechanics.regression.references import mixture_risk
from mechanics.tables.contents import computed
from mechanics.tables.frames import sound
from mechanics.tables.study import Study

NETWORK = "network"  # the algorithm of the rows that hold a network's own filter
RISK = [
    *("model", "seed", "status", "k", "n_layers"),
    *("risk", "risk_se", "risk_sampled", "risk_median", "diverged_share"),
    *("one_step_optimum", "one_step_mixture"),
    *("gd_tied", "gd_free", "gd_free_at_k", "gd_plus_plus", "mixture_floor", "polynomial_floor"),
    *("ridge", "ols"),
    *("c_hat", "c_star", "isotropy", "risk_at_c_hat"),
]
WEIGHTS = [
    *("model", "seed", "status", "step", "c_hat", "c_star", "isotropy"),
    *("correlation_gd", "correlation_ols", "correlation_null", "correlation_shuffled"),
]


def tables(study: Study) -> dict[str, pd.DataFrame]:
    """``regression_risk``, a row per model, seed and k; ``effective_weights``, one per model, seed
    and step; of the final weights ``algorithm_match`` and ``spectral_filter``, a row per model,
    algorithm and k. Those are left out that no network is fit for."""
    task = "linear_regression"
    settings = study.settings_of(task)
    makers = {
        "regression_risk": partial(beside_laws, settings=settings),
        "effective_weights": partial(over_lengths, settings=settings),
        "algorithm_match": match,
        "spectral_filter": nearest_filters,
    }
    return {
        name: makers[name](study.gather(task, analysis))
        for name, analysis in computed(task)["regression"].items()
        if study.runs_with(task, analysis)
    }


def beside_laws(risks: pd.DataFrame, settings: dict[str, dict]) -> pd.DataFrame:
    """The risk of every network beside its laws."""
    networks = list(zip(risks["model"], risks["k"], strict=True))
    levels = {(model, k): laws(settings[model], k) for model, k in set(networks)}
    table = pd.concat([risks, pd.DataFrame([levels[own] for own in networks])], axis=1)
    table["risk_at_c_hat"] = [
        risk_at(c_hat, settings[model], k)
        for (model, k), c_hat in zip(networks, risks["c_hat"], strict=True)
    ]
    return table[RISK]


def risk_at(c_hat: float, settings: dict, k: int) -> float:
    """The law of one step of size ĉ on XᵀY over the number of keys."""
    step_size = c_hat * k / (k + zero_tokens_of(settings))
    return one_step_risk(step_size, settings["d"], k, settings.get("noise", 0.0))


def zero_tokens_of(settings: dict) -> int:
    """How many tokens of zeros are keys beside the k of the context."""
    return architecture(settings).zero_tokens


def best_step_size(settings: dict) -> float:
    """c*, which like ĉ is the size of a step on XᵀY over the number of keys."""
    lengths = range(settings["k_min"], settings["k_max"] + 1)
    noise = settings.get("noise", 0.0)
    return optimal_step_size(settings["d"], lengths, noise, zero_tokens_of(settings))


def laws(settings: dict, k: int) -> dict[str, int | float]:
    """What theory says of a network of this depth at this k."""
    n_layers, noise = settings["n_layers"], settings.get("noise", 0.0)
    trained = settings["d"], settings["k_min"], settings["k_max"]
    return {
        "n_layers": n_layers,
        "one_step_optimum": 1 - optimal_step_size(settings["d"], [k], noise),
        "one_step_mixture": mixture_risk(*trained, k, noise),
        "c_star": best_step_size(settings),
        **bracket(n_layers, *trained, k, zero_tokens_of(settings), noise),
    }


def over_lengths(weights: pd.DataFrame, settings: dict[str, dict]) -> pd.DataFrame:
    """Means over the context lengths of the learning curves, and the nulls beside them.

    Any network that knows w reaches ``correlation_null``; by law ``correlation_shuffled`` is
    √((k+d+1)/(k(kd+4))) for one step.
    """
    own = [settings[model] for model in weights["model"]]
    nulls = [
        gradient_cosine(s["d"], k, s.get("noise", 0.0))
        for s, k in zip(own, weights["k"], strict=True)
    ]
    best = [best_step_size(s) for s in own]
    grouped = weights.assign(correlation_null=nulls, c_star=best).groupby(WEIGHTS[:4], sort=False)
    return grouped[WEIGHTS[4:]].mean().reset_index()


def match(distances: pd.DataFrame) -> pd.DataFrame:
    """How far every network is from every reference algorithm: means over sound seeds."""
    grouped = sound(distances).groupby(["model", "algorithm", "k"], sort=False)["preds_diff"]
    table = grouped.agg(preds_diff="mean", n_seeds="count").reset_index()
    return with_nearest(table, "preds_diff")


def with_nearest(table: pd.DataFrame, distance: str) -> pd.DataFrame:
    """``nearest`` marks the algorithm of the least distance from a model at a k."""
    least = table.groupby(["model", "k"])[distance].transform("min")
    return table.assign(nearest=table[distance] == least)


def filter_distances(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """A row per ``keys`` and algorithm: ``distance``, the root mean square of f − f' over bins.

    ``largest`` is the largest |f − f'|; ``unexplained`` and ``penalty`` are the network's.

    ``frame``: what ``regression.filters`` wrote, of one or more networks.
    """
    of_network = frame["algorithm"] == NETWORK
    columns = [*keys, "bin", "filter", "unexplained"]
    pairs = frame[~of_network].merge(
        frame.loc[of_network, columns], on=[*keys, "bin"], suffixes=("_algorithm", "")
    )
    pairs["largest"] = (pairs["filter"] - pairs["filter_algorithm"]).abs()
    pairs["distance"] = pairs["largest"] ** 2
    grouped = pairs.groupby([*keys, "algorithm"], sort=False)
    found = grouped.agg(
        {"distance": "mean", "largest": "max", "unexplained": "first", "penalty": "first"}
    )
    found["distance"] = np.sqrt(found["distance"])
    return found.reset_index()


def nearest_filters(filters: pd.DataFrame) -> pd.DataFrame:
    """How near filters are: means over sound seeds, of ``largest`` the maximum."""
    found = filter_distances(sound(filters), ["model", "seed", "k"])
    grouped = found.groupby(["model", "k", "algorithm"], sort=False)
    table = grouped.agg(
        distance=("distance", "mean"),
        largest=("largest", "max"),
        unexplained=("unexplained", "mean"),
        penalty=("penalty", "mean"),
        n_seeds=("seed", "nunique"),
    )
    return with_nearest(table.reset_index(), "distance")
