"""How abruptly each network of both tasks learned: the width of its transition."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from mechanics.runtime.files import atomic
from mechanics.tables.emergence import performance, transition
from mechanics.tables.frames import write_csv
from mechanics.tables.histories import accuracy_on_new_pairs, run_of

LEAST_GAIN = 0.1  # of accuracy or of risk: less than that is no transition


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", required=True, type=Path, nargs="+", help="folders of the runs")
    words = "progress.parquet of addition runs"
    parser.add_argument("--progress", default=[], type=Path, nargs="*", help=words)
    parser.add_argument("--output", required=True, type=Path, help="CSV: task, model, seed, …")
    parser.add_argument("--curves", required=True, type=Path, help="parquet: …, step, performance")
    arguments = parser.parse_args()
    analysed = {run_of(path): path for path in arguments.progress}
    rows, curves = [], []
    for folder in arguments.runs:
        found, followed = follow(folder, analysed.get(folder.parts[-3:]))
        rows += found
        curves += followed
    write_csv(pd.DataFrame(rows), arguments.output)
    with atomic(arguments.curves) as part:
        pd.concat(curves, ignore_index=True).to_parquet(part, index=False)


def follow(folder: Path, analysed: Path | None) -> tuple[list[dict], list[pd.DataFrame]]:
    """The transitions and the curves of the seeds of one run, in …/{task}/{model}/{block}.

    ``analysed``: progress.parquet of an addition run, which is judged on pairs that it was trained
    on in neither order; without it, on all validation pairs.
    """
    task, model = folder.parts[-3:-1]
    record = json.loads((folder / "run.json").read_text())
    history = pd.read_parquet(folder / "history.parquet")
    rows, curves = [], []
    for replica in record["replicas"]:
        common = {"task": task, "model": model, "seed": replica["seed"]}
        common["status"] = replica["status"]
        if analysed is None:
            curve = performance(history[history["seed"] == replica["seed"]], task)
        else:
            curve = accuracy_on_new_pairs(pd.read_parquet(analysed), replica["seed"])
        found = transition(curve.index.to_numpy(), curve.to_numpy(), LEAST_GAIN)
        rows.append({**common, "last_step": replica["last_step"], **asdict(found)})
        curves.append(curve.rename("performance").reset_index().assign(**common))
    return rows, curves


if __name__ == "__main__":
    main()
