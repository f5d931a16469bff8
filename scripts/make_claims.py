"""Make claims.json: every number and every comparison that the report uses, from the tables.

Fails, naming the claim, where a cell is missing or a stated direction contradicts its cell.
"""

import argparse
import hashlib
import json
import subprocess
import sys
from pathlib import Path

from mechanics.report.claims import ClaimError, evaluate
from mechanics.report.summary import comparison_rows, footer, seeds_sentence
from mechanics.runtime.files import atomic
from mechanics.settings import ConfigError, as_argument, read_settings, read_yaml
from mechanics.tables.frames import TableError, check_unedited, read_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--declared", required=True, type=Path, help="claims.yaml")
    parser.add_argument("--study", required=True, help="JSON: settings, tasks, seeds")
    parser.add_argument("--tables", required=True, type=Path, nargs="+", help="CSV or parquet")
    parser.add_argument("--runs", required=True, type=Path, nargs="+", help="run.json of every run")
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()
    try:
        content = make(arguments)
    except (ClaimError, ConfigError) as error:
        sys.exit(f"make_claims.py: {error}")
    with atomic(arguments.output) as part:
        part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def make(arguments: argparse.Namespace) -> dict:
    """All that the report shows beside its figures. Raises ClaimError, ConfigError."""
    specification = read_yaml(str(arguments.declared))
    study = read_settings(arguments.study)
    for path in arguments.tables:
        try:
            check_unedited(path)
        except TableError as error:
            said = ", ".join(claims_of(specification["claims"], path.stem) or ["the comparison"])
            raise ClaimError(f"{error} These claims stand on it: {said}") from error
    tables = {path.stem: read_table(path) for path in arguments.tables}
    records = [
        json.loads(path.read_text()) | {"model": path.parent.parent.name} for path in arguments.runs
    ]
    return {
        "tracks": list(study["seeds"]),
        "claims": evaluate(specification["claims"], tables, study),
        "comparison": comparison_rows(tables["comparative_metrics"]),
        "seeds": seeds_sentence(records, tables.get("grokking")),
        "footer": footer(records, config_sha256(records), commit_dates(records)),
    }


def claims_of(declared: dict[str, dict], table: str) -> list[str]:
    """Names of the claims that read a table."""
    forms = ("table", "count", "range")
    return [name for name, own in declared.items() if table in map(own.get, forms)]


def config_sha256(records: list[dict]) -> str:
    """One hash of the settings and seeds of every run."""
    asked = [[record["settings"], record["seeds"]] for record in records]
    return hashlib.sha256(as_argument(asked).encode()).hexdigest()


def commit_dates(records: list[dict]) -> dict[str, str]:
    """The day of every commit that trained a network, where git's history has it."""
    dates = {}
    for commit in sorted({record["git_commit"] for record in records}):
        command = ["git", "show", "-s", "--format=%cs", commit.removesuffix("-dirty")]
        try:
            shown = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError:  # no git on this machine: the report says "undated"
            return dates
        if shown.returncode == 0:
            dates[commit] = shown.stdout.strip()
    return dates


if __name__ == "__main__":
    main()
