"""The moments that a rule finds in the histories of runs."""

import numpy as np
import pandas as pd

from mechanics.addition.pairs import grokking_step

MOMENTS = ["model", "seed", "memorised_step", "first_reached_step", "grokking_step", "last_step"]


def grokking_moments(history: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Per model and seed: when training and validation accuracy came to stay above a threshold.

    ``memorised_step`` and ``first_reached_step``: the first with training and with validation
    accuracy at the threshold. ``grokking_step``: the first from which validation accuracy stays
    there. Where loss spikes throw a network back, the last of them dates it; the two steps then
    differ, and neither alone says when the network generalised. nan for what never happened.
    """
    rows = []
    for (model, seed), own in history.groupby(["model", "seed"], sort=False):
        row = {"model": model, "seed": seed, "last_step": int(own["step"].max())}
        train, validation = (own[own["split"] == split] for split in ("train", "validation"))
        for name, part in (("memorised_step", train), ("first_reached_step", validation)):
            reached = part.loc[part["accuracy"] >= threshold, "step"]
            row[name] = float(reached.iloc[0]) if len(reached) else np.nan
        grokked = grokking_step(
            validation["step"].tolist(), validation["accuracy"].tolist(), threshold
        )
        row["grokking_step"] = np.nan if grokked is None else float(grokked)
        rows.append(row)
    return pd.DataFrame(rows, columns=MOMENTS)


def ending(replica: str, grokking_step: float) -> str:
    """How a network ended, by the status of its training: diverged or grokked; if it did neither,
    stalled, which more steps would not change, or censored by its budget."""
    if replica == "diverged":
        return replica
    return "grokked" if pd.notna(grokking_step) else {"stalled": replica}.get(replica, "censored")


def on_new_pairs(progress: pd.DataFrame, seed: int, measure: str) -> pd.Series:
    """One seed's accuracy or loss, by step of a checkpoint, on pairs trained on in neither order.

    ``progress``: what ``follow.py`` wrote. Of all validation pairs those with
    (b, a) in training come early, by knowing that addition commutes: that is not yet grokking.
    """
    own = progress[progress["seed"] == seed].drop_duplicates("step").sort_values("step")
    return own.set_index("step")[f"{measure}_validation_new"]
