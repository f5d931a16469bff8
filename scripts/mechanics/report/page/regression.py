"""What the explorer of Track A shows: histories and the table of risks in, plain data out."""

import pandas as pd

from mechanics.figures.style import colour, label
from mechanics.report.page.pack import rounded, thin

MAX_STEPS = 80
LAWS = ("one_step_optimum", "one_step_mixture", "gd_free", "ols")


def regression_explorer(histories: dict[str, pd.DataFrame], risks: pd.DataFrame) -> dict:
    """Risk by context length at the steps of every network, and the laws for it.

    ``histories``: model → seed, step, k, risk. ``risks``: the table of ``mechanics.tables.risk``.
    A step is shown if every seed that did not diverge was measured there, ``MAX_STEPS`` at most.
    """
    names = list(histories)
    return {
        "max_steps": MAX_STEPS,
        "networks": [
            _network(histories[name], risks[risks["model"] == name])
            | {"name": name, "label": label(name), "colour": colour(name, names)}
            for name in names
        ],
    }


def _network(history: pd.DataFrame, risks: pd.DataFrame) -> dict:
    status = risks.drop_duplicates("seed").set_index("seed")["status"]
    diverged = [int(seed) for seed in status.index[status == "diverged"]]
    seeds = [int(seed) for seed in status.index if seed not in diverged]
    lengths = sorted(history["k"].unique().tolist())
    sound = history[history["seed"].isin(seeds)]
    cells = sound.pivot_table(index=["step", "k"], columns="seed", values="risk")
    complete = cells.unstack("k").dropna()
    steps = complete.index[thin(len(complete), MAX_STEPS)] if seeds else complete.index[:0]
    shown = sound[sound["step"].isin(steps)].sort_values(["step", "k", "seed"])
    laws = risks.groupby("k")[list(LAWS)].first()
    deep = bool(risks["n_layers"].iloc[0] > 1)
    kept = [law for law in LAWS if deep or law != "gd_free"]
    ends = risks[risks["seed"].isin(seeds)].groupby("k")["risk"].median()
    return {
        "n_layers": int(risks["n_layers"].iloc[0]),
        "seeds": seeds,
        "diverged": diverged,
        "lengths": lengths,
        "steps": [int(step) for step in steps],
        "n_measured": len(complete) if seeds else 0,
        "risk": rounded(shown["risk"]),  # by step, then k, then seed
        "laws": {"k": laws.index.tolist()} | {law: rounded(laws[law]) for law in kept},
        "end": {"k": ends.index.tolist(), "risk": rounded(ends)},
    }
