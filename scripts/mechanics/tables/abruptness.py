"""How abruptly each network of both tasks learned: how wide the fall of its held-out loss is."""

from dataclasses import asdict
from itertools import chain
from pathlib import Path

import pandas as pd

from mechanics.tables.emergence import fall, regression_loss
from mechanics.tables.histories import on_new_pairs
from mechanics.tables.study import Study

LEAST_SHARE = 0.1  # of the first loss: a loss that ends less below it has no transition


def tables(study: Study) -> dict[str, pd.DataFrame]:
    """``emergence``, a row per network and seed, and ``emergence_curves``, their loss."""
    followed = [
        follow(study, run)
        for task in ("linear_regression", "modular_addition")
        for run in study.runs_of(task, variants=False)
    ]
    rows, curves = (list(chain(*parts)) for parts in zip(*followed, strict=True))
    return {
        "emergence": pd.DataFrame(rows),
        "emergence_curves": pd.concat(curves, ignore_index=True),
    }


def follow(study: Study, run: Path) -> tuple[list[dict], list[pd.DataFrame]]:
    """The transitions and the curves of the seeds of one run.

    ``held_out_loss`` is risk, and in nats the loss on pairs trained on in neither order.
    """
    task, model = run.parts[-3:-1]
    history = pd.read_parquet(run / "history.parquet")
    rows, curves = [], []
    for replica in study.records[run]["replicas"]:
        common = {"task": task, "model": model, "seed": replica["seed"]}
        common["status"] = replica["status"]
        if task == "linear_regression":
            curve = regression_loss(history[history["seed"] == replica["seed"]])
        else:
            curve = on_new_pairs(study.analysis(run, "progress"), replica["seed"], "loss")
        found = fall(curve, LEAST_SHARE)
        rows.append({**common, "last_step": replica["last_step"], **asdict(found)})
        curves.append(curve.rename("held_out_loss").reset_index().assign(**common))
    return rows, curves
