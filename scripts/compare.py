"""The comparative table: every configuration on every task, against its references."""

import argparse
import json
from itertools import groupby
from pathlib import Path

import pandas as pd

from mechanics.runtime.files import atomic
from mechanics.settings import read_settings
from mechanics.tables.comparison import (
    COLUMNS,
    addition_rows,
    as_markdown,
    assignment_order,
    regression_rows,
)
from mechanics.tables.frames import write_csv


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", required=True, help="JSON: tabulated_at")
    parser.add_argument("--runs", required=True, type=Path, nargs="+", help="folders of the runs")
    parser.add_argument(
        "--analysis",
        required=True,
        type=Path,
        help="folder with what the analyses of the runs wrote",
    )
    parser.add_argument("--output", required=True, type=Path, help="without .csv and .md")
    arguments = parser.parse_args()
    settings = read_settings(arguments.settings)
    found = rows(arguments.runs, arguments.analysis, settings)
    table = pd.DataFrame(sorted(found, key=assignment_order), columns=COLUMNS)
    write_csv(table, arguments.output.with_suffix(".csv"))
    with atomic(arguments.output.with_suffix(".md")) as part:
        part.write_text(as_markdown(table))


def rows(runs: list[Path], analysis: Path, settings: dict) -> list[dict]:
    """Rows of all models, in the order of the runs. A run's folder is …/{task}/{model}/{block}."""
    result = []
    for (task, model), group in groupby(runs, key=lambda folder: folder.parts[-3:-1]):
        folders = list(group)
        records = [json.loads((folder / "run.json").read_text()) for folder in folders]
        analysed = [analysis.joinpath(*folder.parts[-3:]) for folder in folders]
        if task == "linear_regression":
            risks, distances = read(analysed, "risk.parquet"), read(analysed, "distances.parquet")
            result += regression_rows(model, records, risks, distances, settings)
        else:
            names = ("evaluation", "circuit", "parsimony")
            evaluation, *found = (read(analysed, f"{name}.parquet") for name in names)
            history = read(folders, "history.parquet")
            result += addition_rows(model, records, evaluation, history, *found)
    return result


def read(folders: list[Path], name: str) -> pd.DataFrame:
    return pd.concat([pd.read_parquet(folder / name) for folder in folders], ignore_index=True)


if __name__ == "__main__":
    main()
