"""How norm, temperature and ε decide when an addition network groks, and with which circuit.

Two laws of others are tried on the grid. Truong 2026 (arXiv 2606.13753): the delay grows
exponentially with the norm that is held. Truong 2026 (arXiv 2606.18465): over norms and
temperatures it is a function of the scale of the logits after division by the temperature.
"""

import math
from pathlib import Path

import numpy as np
import pandas as pd

from mechanics.tables.contents import adds
from mechanics.tables.grokking import ends
from mechanics.tables.study import Study

COLUMNS = [
    *("model", "seed", "norm_factor", "temperature", "epsilon", "weight_decay", "arm", "status"),
    *("memorised_step", "grokking_step", "last_step", "stalled_step", "norm_squared"),
    *("logit_scale_memorised", "logit_scale", "train_loss", "below_epsilon", "n_keys"),
    *("key_frequencies", "shared_keys", "shared_by_chance", "logit_fve", "val_accuracy"),
    *("min_margin", "entry"),
]

USUAL = {"norm_factor": 1.0, "temperature": 1.0, "epsilon": 1e-8}  # where settings say nothing
LAWS = ["law_name", "slope", "r_squared", "n_runs", "n_held"]


def tables(study: Study) -> dict[str, pd.DataFrame]:
    """``norm_dose``: a row per entry and seed, of every network that adds; ``norm_laws``."""
    runs = study.runs_of("modular_addition", doses=True)
    runs = [run for run in runs if adds(study.records[run]["settings"])]
    rows = [row for run in runs for row in tabulate(study, run)]
    table = pd.DataFrame(rows, columns=[*COLUMNS, "p"])
    return {"norm_dose": with_shared_keys(table)[COLUMNS], "norm_laws": laws(table)}


def laws(table: pd.DataFrame) -> pd.DataFrame:
    """A row per law: how much of the logarithm of the delay it explains, among held networks.

    The delay runs from memorising to grokking; ``n_runs`` grokked later than they memorised, of
    ``n_held``: a run that did not is in no fit, so slopes are too small where many are missing.
    ``slope`` is that of the first variable. Of the least ε of theirs alone, which freezes no run.
    """
    held = table[table["arm"] == "held_norm"]
    held = held[held["epsilon"] == held["epsilon"].min()]
    at_one = held[held["temperature"] == 1]
    tried = {
        "exponential in the norm, temperature 1": (at_one, ["norm"]),
        "exponential in the norm": (held, ["norm"]),
        "power of the logit scale": (held, ["scale"]),
        "power of the logit scale, exponential in the norm": (held, ["scale", "norm"]),
    }
    rows = []
    for law, (runs, names) in tried.items():
        own = runs[runs["status"] == "grokked"].query("grokking_step > memorised_step")
        delays = np.log((own["grokking_step"] - own["memorised_step"]).astype(float))
        scales = np.log((own["logit_scale_memorised"] / own["temperature"]).astype(float))
        variables = {"norm": own["norm_factor"], "scale": scales}
        rows.append((law, *_fit([variables[name] for name in names], delays), len(own), len(runs)))
    return pd.DataFrame(rows, columns=LAWS)


def _fit(variables: list[pd.Series], wanted: pd.Series) -> tuple[float, float]:
    """Slope of the first variable and R² of least squares with a constant; nan without spread."""
    design = np.column_stack([*variables, np.ones(len(wanted))])
    if len(wanted) <= design.shape[1] or np.linalg.matrix_rank(design) < design.shape[1]:
        return np.nan, np.nan
    found = np.linalg.lstsq(design, wanted, rcond=None)[0]
    rest = wanted - design @ found
    return float(found[0]), float(1 - rest.var(ddof=0) / wanted.var(ddof=0))


def with_shared_keys(table: pd.DataFrame) -> pd.DataFrame:
    """How many of its keys the model itself has too, trained on the same pairs from the same start.

    ``shared_by_chance``: how many it would, were the keys drawn at random from the (p − 1)/2
    frequencies. nan for the model itself.
    """
    itself = table[table["entry"] == table["model"]].set_index(["model", "seed"])
    of_model = itself["key_frequencies"].str.split().to_dict()
    shared, chance = [], []
    for row in table.itertuples():
        theirs = None if row.entry == row.model else of_model.get((row.model, row.seed))
        own = row.key_frequencies.split()
        shared.append(math.nan if theirs is None else len({*theirs} & {*own}))
        chance.append(math.nan if theirs is None else len(theirs) * len(own) / ((row.p - 1) / 2))
    return table.assign(shared_keys=shared, shared_by_chance=chance)


def arm(settings: dict, usual: str) -> str:
    """What holds a network's norm or changes its course; else as in the other tables."""
    if settings.get("norm") == "held":
        return "held_norm"
    if settings.get("orthogonal_gradient"):
        return "orthogonal_gradient"
    if settings.get("restart_at"):
        return "sham" if settings.get("temperature", 1.0) == 1 else "temperature"
    return usual


def tabulate(study: Study, run: Path) -> list[dict]:
    """A row for each seed of one run.

    ``train_loss`` and ``logit_scale``, the root mean square of the logits about the mean of a
    pair's, are those of the training pairs at temperature 1, at the end and (``_memorised``) when
    training accuracy first reached the threshold. ``below_epsilon``: share of the last update.
    """
    settings = study.records[run]["settings"]
    evaluation = study.analysis(run, "evaluation").drop_duplicates("seed").set_index("seed")
    rows = []
    for about, history in ends(study, run):
        own = evaluation.loc[about["seed"]]
        train = history[history["split"] == "train"].drop_duplicates("step").set_index("step")
        last = train.iloc[-1]
        rows.append(
            {
                **about,
                **{name: settings.get(name, usual) for name, usual in USUAL.items()},
                "arm": arm(settings, about["arm"]),
                **last[["norm_squared", "logit_scale", "below_epsilon"]],
                "logit_scale_memorised": train["logit_scale"].get(about["memorised_step"]),
                "train_loss": last["loss"],
                "n_keys": len(own["key_frequencies"].split()),
                **own[["key_frequencies", "logit_fve"]],
                "p": settings["p"],
            }
        )
    return rows
