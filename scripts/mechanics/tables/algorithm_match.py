"""How alike every regression network is to every reference algorithm, and which is nearest."""

import pandas as pd

from mechanics.tables.frames import sound
from mechanics.tables.statistics import mean_over_seeds
from mechanics.tables.study import Study

KEYS = ["model", "algorithm", "k"]
MEASURES = ["preds_diff", "model_diff", "model_cos", "r_squared"]


def tables(study: Study) -> dict[str, pd.DataFrame]:
    """``algorithm_match``, of the final weights."""
    return {"algorithm_match": tabulate(study.gather("linear_regression", "distances"))}


def tabulate(frame: pd.DataFrame) -> pd.DataFrame:
    """Means over sound seeds; ``nearest`` marks the algorithm with the least preds_diff at a k.

    preds_diff_low and preds_diff_high are Student's 95 % interval over seeds (nan for one seed).
    """
    rows = []
    for key, own in sound(frame).groupby(KEYS, sort=False):
        estimate = mean_over_seeds(own["preds_diff"])
        interval = max(estimate.low, 0.0), estimate.high, estimate.n
        rows.append([*key, *own[MEASURES].mean(), *interval])
    columns = [*KEYS, *MEASURES, "preds_diff_low", "preds_diff_high", "n_seeds"]
    table = pd.DataFrame(rows, columns=columns)  # without a row, if every seed diverged
    least = table.groupby(["model", "k"])["preds_diff"].transform("min")
    return table.assign(nearest=table["preds_diff"] == least)
