"""Write claims.json: every number and every direction that the report states, from the tables.

Fails, naming table and numbers, where a table is not what its program wrote.
"""

import argparse
import json
import math
import sys
from pathlib import Path

import pandas as pd

from mechanics.report.cells import DIVERGED, Tables
from mechanics.report.directions import directions
from mechanics.report.numbers import numbers
from mechanics.report.text import as_text
from mechanics.runtime.files import atomic
from mechanics.settings import read_settings
from mechanics.study.lineage import git, value_sha256
from mechanics.tables.frames import ASSIGNED, TableError, check_unedited, read_table

MEASURED = {"linear_regression": "MSE/d", "modular_addition": "accuracy, all pairs"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", required=True, help="JSON: report.stated.stated_settings")
    parser.add_argument("--tables", required=True, type=Path, nargs="+", help="CSV files")
    parser.add_argument("--runs", required=True, type=Path, nargs="+", help="run.json of every run")
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()
    settings = read_settings(arguments.settings)
    for path in arguments.tables:
        try:
            check_unedited(path)
        except TableError as error:
            placed = numbers({}, settings).items()
            said = [name for name, own in placed if own["table"] == path.stem] or ["the comparison"]
            sys.exit(f"write_numbers.py: {error} These numbers stand on it: {', '.join(said)}")
    tables = {path.stem: read_table(path) for path in arguments.tables}
    shown = content(settings, tables, arguments.runs)
    text = json.dumps(shown, indent=1, ensure_ascii=False, allow_nan=False)
    with atomic(arguments.output) as part:
        part.write_text(text + "\n", "utf-8")


def content(settings: dict, tables: Tables, runs: list[Path]) -> dict:
    """All that the report shows beside its figures.

    ``settings``: ``report.stated.stated_settings``; ``runs``: run.json of every run.
    """
    records = [
        json.loads(path.read_text("utf-8")) | {"model": path.parent.parent.name} for path in runs
    ]
    asked = [[record["settings"], record["seeds"]] for record in records]
    found = numbers(tables, settings)
    stated = directions(tables, found, settings)
    for name, own in stated.items():
        if own["holds"] is False:
            print(f"{name} does not hold in this study: {own['sentence']}")
    return {
        "tracks": settings["tracks"],
        "claims": {name: without_infinities(own) for name, own in found.items()},
        "directions": stated,
        "comparison": comparison_rows(tables["comparative_metrics"]),
        "seeds": seeds_sentences(records, tables.get("norm_dose")),
        "footer": footer(records, value_sha256(asked), commit_dates(records)),
    }


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


def without_infinities(number: dict) -> dict:
    """As JSON can write it: no value where the text says ∞."""
    unbounded = {key: None for key, own in number.items() if own in (math.inf, -math.inf)}
    return number | unbounded


def commit_dates(records: list[dict]) -> dict[str, str]:
    """The day of every commit that trained a network, where git's history has it."""
    commits = {record["git_commit"] for record in records}
    shown = {c: git("show", "-s", "--format=%cs", c.removesuffix("-dirty")) for c in commits}
    return {commit: day.decode().strip() for commit, day in shown.items() if day is not None}


if __name__ == "__main__":
    main()
