"""Write claims.json: every number and every direction that the report states, from the tables.

Fails, naming table and numbers, where a table is not what its program wrote.
"""

import argparse
import json
import math
import sys
from pathlib import Path

from mechanics.report.cells import Tables
from mechanics.report.directions import directions
from mechanics.report.numbers import numbers
from mechanics.report.summary import comparison_rows, footer, seeds_sentences
from mechanics.runtime.files import atomic
from mechanics.settings import ConfigError, read_settings
from mechanics.study.lineage import git, value_sha256
from mechanics.tables.frames import TableError, check_unedited, read_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", required=True, help="JSON: report.stated.stated_settings")
    parser.add_argument("--tables", required=True, type=Path, nargs="+", help="CSV files")
    parser.add_argument("--runs", required=True, type=Path, nargs="+", help="run.json of every run")
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()
    try:
        shown = made(arguments)
    except (TableError, ConfigError) as error:
        sys.exit(f"write_numbers.py: {error}")
    with atomic(arguments.output) as part:
        part.write_text(
            json.dumps(shown, indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8"
        )


def made(arguments: argparse.Namespace) -> dict:
    """``content`` of unedited tables. Raises TableError, ConfigError."""
    settings = read_settings(arguments.settings)
    for path in arguments.tables:
        try:
            check_unedited(path)
        except TableError as error:
            placed = numbers({}, settings).items()
            said = [name for name, own in placed if own["table"] == path.stem] or ["the comparison"]
            raise TableError(f"{error} These numbers stand on it: {', '.join(said)}") from error
    tables = {path.stem: read_table(path) for path in arguments.tables}
    return content(settings, tables, arguments.runs)


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
