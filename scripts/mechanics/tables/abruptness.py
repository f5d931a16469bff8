"""How abruptly each network of both tasks learned: the width of its transition."""

from dataclasses import asdict
from pathlib import Path

import pandas as pd

from mechanics.tables.emergence import performance, transition
from mechanics.tables.histories import accuracy_on_new_pairs
from mechanics.tables.study import Study

LEAST_GAIN = 0.1  # of accuracy or of risk: less than that is no transition


def tables(study: Study) -> dict[str, pd.DataFrame]:
    """``emergence``, a row per network and seed, and ``emergence_curves``, their performance."""
    followed = [
        follow(study, run)
        for task in ("linear_regression", "modular_addition")
        for run in study.runs_of(task, variants=False)
    ]
    return {
        "emergence": pd.DataFrame([row for rows, _ in followed for row in rows]),
        "emergence_curves": pd.concat(
            [curve for _, curves in followed for curve in curves], ignore_index=True
        ),
    }


def follow(study: Study, run: Path) -> tuple[list[dict], list[pd.DataFrame]]:
    """The transitions and the curves of the seeds of one run.

    An addition network is judged on pairs that it was trained on in neither order.
    """
    task, model = run.parts[-3:-1]
    history = pd.read_parquet(run / "history.parquet")
    rows, curves = [], []
    for replica in study.records[run]["replicas"]:
        common = {"task": task, "model": model, "seed": replica["seed"]}
        common["status"] = replica["status"]
        if task == "linear_regression":
            curve = performance(history[history["seed"] == replica["seed"]], task)
        else:
            curve = accuracy_on_new_pairs(study.analysis(run, "progress"), replica["seed"])
        found = transition(curve.index.to_numpy(), curve.to_numpy(), LEAST_GAIN)
        rows.append({**common, "last_step": replica["last_step"], **asdict(found)})
        curves.append(curve.rename("performance").reset_index().assign(**common))
    return rows, curves
