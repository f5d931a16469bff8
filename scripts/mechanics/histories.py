"""Histories of several runs in one frame, and the moments that a rule finds in them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from mechanics.tasks.modular_addition import grokking_step

MOMENTS = ["model", "seed", "memorised_step", "grokking_step", "last_step"]


def read_histories(folders: list[Path]) -> tuple[pd.DataFrame, dict]:
    """The histories of one task's runs with a column ``model``, and the first run's settings.

    A run's folder is …/{task}/{model}/{block}; models keep the order in which they are given.
    """
    frames = []
    for folder in folders:
        history = pd.read_parquet(folder / "history.parquet")
        frames.append(history.assign(model=folder.parent.name))
    settings = json.loads((folders[0] / "run.json").read_text())["settings"]
    return pd.concat(frames, ignore_index=True), settings


def grokking_moments(history: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Per model and seed: when training and validation accuracy came to stay above a threshold.

    Columns model, seed, memorised_step, grokking_step, last_step; nan for what never happened.
    """
    rows = []
    for (model, seed), own in history.groupby(["model", "seed"], sort=False):
        row = {"model": model, "seed": seed, "last_step": int(own["step"].max())}
        train = own[own["split"] == "train"]
        first = train.loc[train["accuracy"] >= threshold, "step"]
        row["memorised_step"] = float(first.iloc[0]) if len(first) else np.nan
        validation = own[own["split"] == "validation"]
        grokked = grokking_step(
            validation["step"].tolist(), validation["accuracy"].tolist(), threshold
        )
        row["grokking_step"] = np.nan if grokked is None else float(grokked)
        rows.append(row)
    return pd.DataFrame(rows, columns=MOMENTS)
