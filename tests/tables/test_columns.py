"""Every column of every table is declared, and nothing is declared that no table has."""

import csv
import re
from dataclasses import fields
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import measured
import pytest

from mechanics.addition import following, measures
from mechanics.study.lineage import ROOT
from mechanics.tables import circuit as circuit_table
from mechanics.tables import (
    comparison,
    contents,
    grokking,
    norm_dose,
    patching_summary,
    training_theory,
)
from mechanics.tables import regression as regression_tables
from mechanics.tables.columns import COLUMNS, TABLES, column, row
from mechanics.tables.emergence import Transition

PUBLISHED = sorted((ROOT / "results/published/tables").glob("*.csv"))
MODULES = [import_module(contents.module_of("modular_addition", name)) for name in measures.TABLES]
LISTED = {
    *(*regression_tables.RISK, *regression_tables.WEIGHTS),
    *(*training_theory.COLUMNS, *training_theory.CURVES, *comparison.COLUMNS),
    *(*grokking.COLUMNS, *norm_dose.COLUMNS, *norm_dose.LAWS, *circuit_table.LAST.values()),
    *(*patching_summary.NETWORK, *patching_summary.COLUMNS),
    *following.COLUMNS,
    *(field.name for field in fields(Transition)),
    *(
        word.partition(":")[0]
        for module in MODULES
        for typed in getattr(module, "COLUMNS", {}).values()
        for word in typed.split()
    ),
}


def header(path: Path) -> list[str]:
    with path.open(newline="") as lines:
        return next(csv.reader(lines))


def test_every_table_is_declared_and_every_declared_table_is_made():
    tracks = [*contents.ROOMS, *contents.BOTH]
    made = {name for track in tracks for name in contents.gathered(track)}
    made |= {name for t in tracks for own in contents.computed(t).values() for name in own}
    assert {*TABLES} == made - {"comparative_metrics.md"} | {"benchmark"}


def test_every_column_that_a_module_lists_or_that_is_published_is_declared():
    filters = measured.filters(OLS=1.0).assign(model="m", status="finished")
    nearest = regression_tables.nearest_filters(filters)
    assert sorted(LISTED.union(filters, nearest, *map(header, PUBLISHED)) - {*COLUMNS}) == []


def test_the_same_is_said_of_the_column_before():
    declared = {*pairwise(COLUMNS)}
    for path in PUBLISHED:
        for pair in pairwise(header(path)):
            own = COLUMNS[pair[1]].meaning
            assert pair in declared or not own.startswith("The same"), (path.stem, pair)


def test_no_column_is_declared_that_no_table_has():
    """Those that are neither published nor listed are at least words of the code."""
    rooms = ("tables", "regression", "addition", "benchmark")
    sources = [path for room in rooms for path in (ROOT / "scripts/mechanics" / room).glob("*.py")]
    words = {word for path in sources for word in re.findall(r"\w+", path.read_text())}
    assert sorted({*COLUMNS} - LISTED.union(words, *map(header, PUBLISHED))) == []


def test_a_declaration_is_a_sentence_with_a_type_of_table_schema():
    for name, own in COLUMNS.items():
        assert own.type in ("string", "number", "integer", "boolean"), name
        assert own.meaning.endswith(".") and len(own.meaning.split()) > 1, name
    assert all(row(name).endswith(".") for name in TABLES)


def test_a_column_that_is_not_declared_is_said():
    with pytest.raises(KeyError, match=r"columns.toml declares no column 'nonsense'"):
        column("nonsense")
