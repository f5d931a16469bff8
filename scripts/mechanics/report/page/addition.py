"""What the explorer of Track B shows: histories and analyses of runs in, plain data out."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mechanics.figures.style import colour, label
from mechanics.report.page.pack import as_json, planes_as_text, rounded, shares_as_text, thin

MOST_STEPS = (64, 48, 32, 24, 16)  # checkpoints of a seed: the first that keeps the page small
LARGEST = 1_700_000  # characters of data; the rest of the page, 4.2 MB, is Vega and the figures
ARMS = {
    "no_decay": "decay ends after memorising",
    "fixed_norm": "norm held after memorising",
    "bfloat16": "MLP in bfloat16",
}
CURVES = ("loss", "accuracy")
MEASURES = {  # column of the analysis of checkpoints: name in the page
    "restricted_loss_all": "restricted",
    "excluded_loss_train": "excluded",
    "logit_fve": "logit_fve",
}


@dataclass(frozen=True)
class AdditionRun:
    """Frames of one run: its history, and what the analyses wrote for every checkpoint."""

    history: pd.DataFrame
    progress: pd.DataFrame
    spectra: pd.DataFrame
    planes: pd.DataFrame
    circles: pd.DataFrame


def arm_label(arm: dict) -> str:
    """A network in words, for a row of ``tables/grokking.csv``."""
    words = label(arm["model"])
    if arm["arm"] == "main":
        return words
    return f"{words}: {ARMS.get(arm['arm']) or 'weight decay {:g}'.format(arm['weight_decay'])}"


def addition_explorer(
    runs: list[AdditionRun], entries: list[str], grokking: pd.DataFrame, largest: int = LARGEST
) -> dict:
    """Every network with its seeds, in the order of ``entries``, the config's name of each run.

    ``grokking``: the table of that name. Of the checkpoints of a seed so many are kept, out of
    ``MOST_STEPS``, that the data have at most ``largest`` characters; the lines of accuracy, loss
    and norm are those of the whole history.
    """
    for max_steps in MOST_STEPS:
        explorer = _explorer(runs, entries, grokking, max_steps)
        if len(as_json(explorer)) <= largest:
            break
    return explorer


def _explorer(
    runs: list[AdditionRun], entries: list[str], grokking: pd.DataFrame, max_steps: int
) -> dict:
    networks, models = [], list(dict.fromkeys(grokking["model"]))
    for entry in dict.fromkeys(entries):
        rows = grokking[grokking["entry"] == entry]
        own = [run for run, name in zip(runs, entries, strict=True) if name == entry]
        first = rows.iloc[0].to_dict()
        networks.append(
            {
                "name": entry,
                "label": arm_label(first),
                "colour": colour(first["model"], models),
                "seeds": [
                    _seed(_run_of(own, row.seed), row, max_steps) for row in rows.itertuples()
                ],
            }
        )
    return {"max_steps": max_steps, "networks": networks}


def _run_of(runs: list[AdditionRun], seed: int) -> AdditionRun:
    return next(run for run in runs if seed in set(run.history["seed"]))


def _seed(run: AdditionRun, row, max_steps: int) -> dict:
    """Data of one seed; ``row`` is its row in ``tables/grokking.csv``."""
    progress = _of(run.progress, row.seed).sort_values("step")
    measured = progress[progress["norm_squared"].notna()]  # else the weights are not finite
    kept = measured.iloc[thin(len(measured), max_steps)] if len(measured) else measured
    steps = kept["step"].tolist()
    return {
        "seed": int(row.seed),
        "status": row.status,
        "first_reached_step": _step(row.first_reached_step),
        "grokking_step": _step(row.grokking_step),
        "last_step": int(row.last_step),
        "n_checkpoints": len(progress),
        "steps": steps,
        "history": _history(_of(run.history, row.seed)),
        **{name: rounded(kept[column], 3) for column, name in MEASURES.items()},
        "spectra": _spectra(_of(run.spectra, row.seed), steps),
        "circles": _circles(_of(run.planes, row.seed), _of(run.circles, row.seed), steps),
    }


def _step(value: float) -> int | None:
    return None if pd.isna(value) else int(value)


def _of(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    return frame[frame["seed"] == seed]


def _history(own: pd.DataFrame) -> dict:
    wide = own.pivot(index="step", columns="split", values=[*CURVES, "norm_squared"])
    curves = {
        f"{measure}_{split}": rounded(wide[measure, split])
        for measure in CURVES
        for split in ("train", "validation")
    }
    norm = rounded(wide["norm_squared", "train"])
    return {"step": wide.index.tolist(), **curves, "norm_squared": norm}


def _spectra(own: pd.DataFrame, steps: list[int]) -> dict:
    """Shares [step, frequency] of every matrix, as text, and the largest of them."""
    found = {}
    if "W_L" in set(own["matrix"]):  # that of the logits is for networks without W_L
        own = own[own["matrix"] != "logits"]
    for matrix, part in own.groupby("matrix", sort=False):
        shares = part.pivot(index="step", columns="frequency", values="share").reindex(steps)
        found[matrix] = {
            "n_frequencies": shares.shape[1],
            "shares": shares_as_text(shares.to_numpy()),
            "top": rounded([np.nanmax(shares.to_numpy(), initial=0.0)])[0],
        }
    return found


def _circles(planes: pd.DataFrame, circles: pd.DataFrame, steps: list[int]) -> dict:
    """Coordinates [step, number, 2] in the plane of each key, as text, and how circular."""
    found = {}
    for key, part in planes[planes["step"].isin(steps)].groupby("frequency"):
        ordered = part.sort_values(["step", "number"])
        points = ordered[["x", "y"]].to_numpy().reshape(len(steps), -1, 2)
        text, units = planes_as_text(points)
        measured = circles[circles["frequency"] == key].set_index("step").loc[steps]
        found[int(key)] = {
            "p": points.shape[1],
            "points": text,
            "units": units,
            **{c: rounded(measured[c], 3) for c in ("angle_r_squared", "radius_cv", "fve")},
        }
    return found
