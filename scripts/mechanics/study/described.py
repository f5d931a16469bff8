"""What stands beside the tables of a study: README.md for readers, datapackage.json for programs.

Both say what every table and column is, as ``mechanics.tables.columns`` declares it. The data
package (https://datapackage.org) has the tables that are CSV.
"""

import csv
import json
from pathlib import Path

import pyarrow.parquet

from mechanics.runtime.files import atomic
from mechanics.tables.columns import column, table

README, PACKAGE = "tables/README.md", "tables/datapackage.json"
PROFILES = "https://datapackage.org/profiles/2.0"
INTRODUCTION = """# The tables of this study

A column means one thing in all tables. An empty cell: not measured, or not defined there. Losses
are cross-entropies; of regression the risk is the squared error over that of predicting zero.
"""


def write(study: Path, tables: list[str]) -> list[str]:
    """Write both; return their paths. ``tables`` and these are paths in the study's folder.

    Raises KeyError for a table or a column that is not declared.
    """
    found = {path: columns_of(study / path) for path in sorted(tables)}
    for path, text in ((README, readme(found)), (PACKAGE, package(study.name, found))):
        with atomic(study / path) as part:
            part.write_text(text, encoding="utf-8")
    return [README, PACKAGE]


def is_table(path: str) -> bool:
    """Whether a file of a study is a table of it, and not what was measured on one run."""
    return Path(path).parent.name in ("tables", "analysis") and path.endswith((".csv", ".parquet"))


def columns_of(path: Path) -> list[str]:
    if path.suffix == ".parquet":
        return pyarrow.parquet.read_schema(path).names
    with path.open(newline="", encoding="utf-8") as lines:
        return next(csv.reader(lines))


def readme(tables: dict[str, list[str]]) -> str:
    """A section for each table. ``tables``: the columns of each, by its path."""
    parts = [INTRODUCTION]
    for path, names in tables.items():
        name = Path(path).stem
        parts.append(f"\n## {name}\n\n`{path}`. {table(name)}\n\n")
        parts.append("| column | unit | meaning |\n| --- | --- | --- |\n")
        for name in names:
            own = column(name)
            unit, words = (text.replace("|", r"\|") for text in (own.unit, own.meaning))
            parts.append(f"| `{name}` | {unit} | {words} |\n")
    return "".join(parts)


def package(study: str, tables: dict[str, list[str]]) -> str:
    """A Frictionless data package of the tables that are CSV, beside which it lies."""
    resources = [
        {
            "name": Path(path).stem,
            "path": Path(path).name,
            "type": "table",
            "format": "csv",
            "mediatype": "text/csv",
            "encoding": "utf-8",
            "description": table(Path(path).stem),
            "schema": {
                "$schema": f"{PROFILES}/tableschema.json",
                "fields": list(map(field, names)),
            },
        }
        for path, names in tables.items()
        if path.endswith(".csv")
    ]
    found = {"$schema": f"{PROFILES}/datapackage.json", "name": study.lower()}
    return json.dumps(found | {"resources": resources}, indent=1, ensure_ascii=False) + "\n"


def field(name: str) -> dict:
    """A column as Table Schema has it; ``unit`` is a property of our own."""
    own = column(name)
    about = {"name": name, "type": own.type, "description": own.meaning}
    return about | ({"unit": own.unit} if own.unit else {})
