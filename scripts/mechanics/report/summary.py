"""What the report says of the study as a whole: its table, its seeds, where its data are from."""

import pandas as pd

from mechanics.report.cells import DIVERGED
from mechanics.report.text import as_text
from mechanics.tables.frames import ASSIGNED

MEASURED = {"linear_regression": "MSE/d", "modular_addition": "accuracy, all pairs"}


def comparison_rows(table: pd.DataFrame) -> list[dict]:
    """The assignment's configurations on every task: what ``comparative_metrics.csv`` says of them.

    Regression is judged at the longest tabulated k, addition on all pairs.
    """
    rows = []
    for name in ASSIGNED:
        for task, metric in MEASURED.items():
            own = table[(table["configuration"] == name) & (table["task"] == task)]
            own = own[own["metric"].str.startswith(metric)]
            if own.empty:
                continue
            own = own[own["metric"] == own["metric"].iloc[-1]]  # tabulated_at is in order
            first = own.iloc[0]
            at_k = first["metric"].removeprefix(metric).replace(" at", "")
            value = DIVERGED
            if first["n_seeds"]:
                value = as_text(float(first["value"]), ".4g")
                if pd.notna(first["ci_low"]):
                    value += f" [{first['ci_low']:.4g}, {first['ci_high']:.4g}]"
                value += f", n = {first['n_seeds']}"
            beside = [
                f"{row.reference} {as_text(float(row.reference_value), '.3g')}"
                for row in own.dropna(subset="reference").itertuples()
            ]
            rows.append(
                {
                    "configuration": name,
                    "task": task.replace("_", " ") + ("," + at_k if at_k else ""),
                    "value": value,
                    "reference": "; ".join(beside),
                    "flops": as_text(int(first["flops_per_prompt"]), ","),
                    "interpretation": first["interpretation"],
                }
            )
    return rows


def seeds_sentences(records: list[dict], doses: pd.DataFrame | None) -> str:
    """How many replicas there are, which of them diverged, and how those on addition ended.

    ``records``: model and replicas of every run. ``doses``: the table norm_dose, if there is one.
    """
    replicas = [(r["model"], replica) for r in records for replica in r["replicas"]]
    text = f"{len(replicas)} networks were trained; "
    diverged = [f"{m} seed {r['seed']}" for m, r in replicas if r["status"] == "diverged"]
    if len(diverged) == len(replicas):
        text += "all diverged, and nothing is measured."
    elif diverged:
        named = ", ".join(diverged).replace("_", " ")
        text += f"{len(diverged)} diverged ({named}) and are left out of means."
    else:
        text += "none diverged."
    if doses is None:
        return text
    ended = doses["status"].value_counts()
    text += f" Of the {len(doses)} on addition {ended.get('grokked', 0)} generalised."
    words = {"censored": "had not when their steps were used up", "stalled": "stood still before"}
    others = [f"{ended[status]} {said}" for status, said in words.items() if status in ended]
    return text + (f" Of the others {', '.join(others)}." if others else "")


def footer(records: list[dict], config_sha256: str, dates: dict[str, str]) -> str:
    """Commits that trained the networks, with their dates, and the hash of their settings."""
    commits = []
    for commit in sorted({record["git_commit"] for record in records}):
        dirty = "-dirty" if commit.endswith("-dirty") else ""
        commits.append(f"{commit[:10]}{dirty} ({dates.get(commit, 'undated')})")
    return f"trained at commit {', '.join(commits)} · config sha256 {config_sha256[:12]}"
