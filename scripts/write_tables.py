"""Make tables of a study from what was measured on its runs.

By hand, from the project's root (all runs of the task are given):
    python scripts/write_tables.py --track linear_regression --tables attention_match \\
        --study results/full --runs results/full/runs/linear_regression/*/*
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path

from mechanics.settings import ConfigError, read_settings
from mechanics.tables.columns import column
from mechanics.tables.contents import BOTH, ROOMS, computed, gathered, place
from mechanics.tables.frames import write_table
from mechanics.tables.study import Study


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--study", required=True, type=Path, help="folder of the study")
    parser.add_argument("--runs", required=True, type=Path, nargs="+", help="folders of the runs")
    parser.add_argument("--track", required=True, choices=[*ROOMS, *BOTH])
    parser.add_argument("--tables", required=True, nargs="+")
    words = "JSON: variants (the model that each varies), tabulated_at, followed"
    parser.add_argument("--settings", default="{}", help=words)
    arguments = parser.parse_args()
    try:
        study = Study(arguments.study, arguments.runs, read_settings(arguments.settings))
        for name, table in made(arguments.track, arguments.tables, study).items():
            if place(name).endswith(".parquet"):  # pandas keeps it in the file's metadata
                table.attrs = {own: column(own)._asdict() for own in table}
            write_table(table, study.folder / place(name))
    except (ConfigError, OSError, ValueError) as error:
        sys.exit(f"write_tables.py: {error}")


def made(track: str, names: list[str], study: Study) -> dict:
    """These tables of a track. What a module makes beside them is left out.

    Raises ConfigError for a name that is no table of the track.
    """
    known, modules = gathered(track), computed(track)
    found = {name: study.gather(track, *known[name]) for name in known if name in names}
    for module, tables in modules.items():
        if set(tables) & set(names):
            found |= import_module(f"mechanics.tables.{module}").tables(study)
    if unknown := [name for name in names if name not in found]:
        expected = ", ".join([*known, *(name for own in modules.values() for name in own)])
        raise ConfigError(f"{track}: no table {', '.join(unknown)}; expected some of {expected}")
    return {name: found[name] for name in names}


if __name__ == "__main__":
    main()
