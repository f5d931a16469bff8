"""How near the spectral filter of every regression network is to that of every algorithm."""

import numpy as np
import pandas as pd

from mechanics.tables.frames import sound
from mechanics.tables.study import Study

NETWORK = "network"  # the algorithm of the rows that hold a network's own filter


def tables(study: Study) -> dict[str, pd.DataFrame]:
    """``spectral_filter``, a row per model, k and algorithm."""
    return {"spectral_filter": tabulate(study.gather("linear_regression", "filters"))}


def filter_distances(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """A row per ``keys`` and algorithm: ``distance``, the root mean square of f − f' over bins.

    Bins hold equally many eigenvalues. ``largest`` is the largest |f − f'|; ``unexplained``, the
    share of E‖g‖² that no filter explains, and ``penalty`` are the network's.

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


def tabulate(frame: pd.DataFrame) -> pd.DataFrame:
    """Means over sound seeds, of ``largest`` the maximum; ``nearest`` marks the least distance."""
    found = filter_distances(sound(frame), ["model", "seed", "k"])
    grouped = found.groupby(["model", "k", "algorithm"], sort=False)
    table = grouped.agg(
        distance=("distance", "mean"),
        distance_least=("distance", "min"),
        distance_most=("distance", "max"),
        largest=("largest", "max"),
        unexplained=("unexplained", "mean"),
        penalty=("penalty", "mean"),
        n_seeds=("seed", "nunique"),
    ).reset_index()
    least = table.groupby(["model", "k"])["distance"].transform("min")
    return table.assign(nearest=table["distance"] == least)
