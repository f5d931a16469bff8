"""How alike every regression network is to every reference algorithm, and which is nearest."""

import pandas as pd

from mechanics.tables.frames import sound
from mechanics.tables.statistics import mean_over_seeds
from mechanics.tables.study import Study

MEASURES = ["preds_diff", "model_diff", "model_cos", "r_squared"]


def tables(study: Study) -> dict[str, pd.DataFrame]:
    """``algorithm_match`` of the final weights, ``algorithm_match_by_step`` of all checkpoints."""
    return {
        "algorithm_match": tabulate(study.gather("linear_regression", "distances")),
        "algorithm_match_by_step": median_by_step(study.gather("linear_regression", "algorithms")),
    }


def tabulate(frame: pd.DataFrame) -> pd.DataFrame:
    """Means over sound seeds; ``nearest`` marks the algorithm with the least preds_diff at a k.

    preds_diff_low and preds_diff_high are Student's 95 % interval over seeds (nan for one seed).
    """
    rows = []
    for (model, algorithm, k), own in sound(frame).groupby(["model", "algorithm", "k"], sort=False):
        estimate = mean_over_seeds(own["preds_diff"])
        rows.append(
            {
                "model": model,
                "algorithm": algorithm,
                "k": k,
                **own[MEASURES].mean().to_dict(),
                "preds_diff_low": max(estimate.low, 0.0),
                "preds_diff_high": estimate.high,
                "n_seeds": estimate.n,
            }
        )
    table = pd.DataFrame(rows)
    least = table.groupby(["model", "k"])["preds_diff"].transform("min")
    return table.assign(nearest=table["preds_diff"] == least)


def median_by_step(frame: pd.DataFrame) -> pd.DataFrame:
    """Median over sound seeds at every checkpoint that all of them have."""
    frame = sound(frame)
    n_seeds = frame.groupby("model")["seed"].nunique()
    grouped = frame.groupby(["model", "algorithm", "k", "step"], sort=False)
    table = grouped[MEASURES].median().assign(n_seeds=grouped["seed"].nunique()).reset_index()
    return table[table["n_seeds"] == table["model"].map(n_seeds)]
