"""When does a network learn, and smoothly or abruptly? Rules for the histories of both tasks.

Progress is what held-out performance has gained of all that it will gain: 0 at the first step, 1
at the last. The transition runs from the step until which progress stays below 10 % to the first
from which it stays above 90 %. How wide it is depends on the axis: in steps, as a share of the
training, or in decades of steps, log10 of the ratio of its ends, where what comes late looks
sharp. A performance that grows in proportion to log(step) from step 1 on has a width near 0.8 of
all the decades trained, a step function 0. Two tasks are compared by the fall of a loss: an
accuracy is a threshold, and makes any improvement look abrupt (Schaeffer et al. 2023).
"""

import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mechanics.tables.study import Study

LOW, HIGH = 0.1, 0.9
MOMENTS = ["memorised_step", "first_reached_step", "grokking_step"]
LEAST_SHARE = 0.1  # of the first loss: a loss that ends less below it has no transition


def tables(study: Study) -> dict[str, pd.DataFrame]:
    """``emergence``, a row per network and seed, and ``emergence_curves``, their loss."""
    followed = [
        follow(study, run)
        for task in ("linear_regression", "modular_addition")
        for run in study.runs_of(task, variants=False)
    ]
    curves = [curve for _, own in followed for curve in own]
    return {
        "emergence": pd.DataFrame(row for own, _ in followed for row in own),
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
        found = fall(curve)
        rows.append({**common, "last_step": replica["last_step"], **asdict(found)})
        curves.append(curve.rename("held_out_loss").reset_index().assign(**common))
    return rows, curves


@dataclass(frozen=True)
class Transition:
    """Steps between which performance changes, and its width: decades, steps, share of training.

    nan where there was no gain to speak of. Steps are known as well as they are measured.
    """

    start_step: float
    end_step: float
    transition_width: float
    transition_steps: float
    share_of_training: float


NO_TRANSITION = Transition(*[math.nan] * 5)


def transition(steps: np.ndarray, performance: np.ndarray, least_gain: float) -> Transition:
    """The transition of one training, ``performance`` being better the larger it is.

    ``least_gain``: a smaller gain over the whole training counts as none. Between two measurements
    the step at which progress passes a level is interpolated in log(step); step 0 counts as 1.
    """
    steps, performance = np.asarray(steps, float), np.asarray(performance, float)
    gain = performance[-1] - performance[0]
    if not gain >= least_gain:  # nan is no gain
        return NO_TRANSITION
    progress = (performance - performance[0]) / gain
    logarithm = np.log10(np.maximum(steps, 1))
    start = _crossing(logarithm, progress, LOW, int(np.argmax(progress > LOW)))
    last_below = int(np.flatnonzero(progress < HIGH)[-1])
    end = _crossing(logarithm, progress, HIGH, last_below + 1)
    first, last = float(10**start), float(10**end)
    return Transition(first, last, end - start, last - first, (last - first) / float(steps[-1]))


def fall(loss: pd.Series) -> Transition:
    """The transition of a loss, by step, from its maximum to its end.

    A loss that rises first, as that of a network that memorises, has still to learn all of it.
    One that ends less than a tenth of the first loss below it has learned nothing.
    """
    if not loss.iloc[-1] < (1 - LEAST_SHARE) * loss.iloc[0]:  # nan is no loss
        return NO_TRANSITION
    falling = loss.loc[loss.idxmax() :]
    return transition(falling.index.to_numpy(), -falling.to_numpy(), least_gain=0.0)


def _crossing(logarithm: np.ndarray, progress: np.ndarray, level: float, after: int) -> float:
    """log10 of the step at which ``level`` is passed between measurements ``after`` − 1 and it."""
    ends = [after - 1, after]
    return float(np.interp(level, progress[ends], logarithm[ends]))


def regression_loss(history: pd.DataFrame) -> pd.Series:
    """Held-out risk of one seed by step, at the longest k measured.

    The longest, because a mean over k would show when a curriculum adds the short ones. A risk
    above 1 counts as 1: how much worse than predicting 0 the first weights are says nothing about
    learning.
    """
    longest = history[history["k"] == history["k"].max()].set_index("step")
    return longest["risk"].clip(upper=1.0)


def grokking_moments(history: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """By seed: when training and validation accuracy came to stay above a threshold.

    ``memorised_step`` and ``first_reached_step``: the first with training and with validation
    accuracy at the threshold. ``grokking_step``: the first from which validation accuracy stays
    there. Where loss spikes throw a network back, the last of them dates it; the two steps then
    differ, and neither alone says when the network generalised. nan for what never happened.
    """
    from mechanics.addition.pairs import grokking_step  # noqa: PLC0415 (PyTorch takes seconds)

    rows = {}
    for seed, own in history.groupby("seed", sort=False):
        train, validation = (own[own["split"] == split] for split in ("train", "validation"))
        row = {}
        for name, part in (("memorised_step", train), ("first_reached_step", validation)):
            reached = part.loc[part["accuracy"] >= threshold, "step"]
            row[name] = float(reached.iloc[0]) if len(reached) else math.nan
        accuracy = validation["accuracy"].tolist()
        grokked = grokking_step(validation["step"].tolist(), accuracy, threshold)
        rows[seed] = row | {"grokking_step": math.nan if grokked is None else float(grokked)}
    return pd.DataFrame.from_dict(rows, orient="index", columns=MOMENTS)


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
