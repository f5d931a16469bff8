"""The numbers of the published study, and what studies say that have less."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from mechanics.report.directions import directions
from mechanics.report.numbers import numbers
from mechanics.report.prose import names
from mechanics.report.stated import TABLES, stated_settings
from mechanics.study.config import load
from mechanics.tables.frames import read_table

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "results/published"
SETTINGS = stated_settings(load([str(PUBLISHED / "config.yaml")]))


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    wanted = [name for own in TABLES.values() for name in own]
    return {name: read_table(PUBLISHED / f"tables/{name}.csv") for name in wanted}


@pytest.fixture(scope="module")
def found(tables) -> dict[str, dict]:
    return numbers(tables, SETTINGS)


def test_every_number_of_the_published_study_is_the_one_that_was_published(found):
    published = json.loads((PUBLISHED / "report/claims.json").read_text())["claims"]
    assert set(found) == set(published)
    for name, own in found.items():
        for key in ("value", "ci_low", "ci_high", "n"):
            value = published[name][key]
            wanted = pytest.approx(value, abs=1e-9, rel=0) if isinstance(value, float) else value
            assert own[key] == wanted, f"{name}: {key}"


def test_no_published_number_is_absent_and_the_report_says_which_directions_hold(tables, found):
    assert [name for name, own in found.items() if own["absent"]] == []
    stated = directions(tables, found, SETTINGS)
    assert stated == json.loads((PUBLISHED / "report/claims.json").read_text())["directions"]
    assert sum(own["holds"] is True for own in stated.values()) > 20


def test_at_most_sixty_each_with_its_table_and_cell_and_each_used():
    found = numbers({}, {})
    assert len(found) <= 60
    assert all(own["table"] and own["cell"] for own in found.values())
    assert {own["table"] for own in found.values()} - {"config"} <= {
        name for own in TABLES.values() for name in own
    }
    sources = [ROOT / "workflow/report" / name for name in ("prose.typ", "readme.md")]
    used = set().union(*(names(path.read_text()) for path in sources))
    assert used - {"comparison"} == set(found) | set(directions({}, found, {}))


@pytest.mark.parametrize("track", TABLES)
def test_without_a_track_its_numbers_are_absent_and_the_others_stay(tables, found, track):
    (other,) = set(TABLES) - {track}
    kept = {name: tables[name] for name in TABLES[other] if name in tables}
    alone = numbers(kept, SETTINGS)
    for name, own in alone.items():
        if own["table"] in TABLES[other]:
            assert own == found[name]
        elif own["table"] != "config":
            assert own["absent"]
    assert any(own["holds"] is None for own in directions(kept, alone, SETTINGS).values())


def test_with_every_seed_diverged_no_number_is_made_up(tables):
    diverged = {
        name: table.assign(status="diverged") if "status" in table else table.head(0)
        for name, table in tables.items()
    }
    alone = numbers(diverged, SETTINGS)
    counted = re.compile(r"\d+ of \d+|not in this study|not measured.*")
    assert all(counted.fullmatch(own["text"]) for own in alone.values() if own["table"] != "config")
    stated = directions(diverged, alone, SETTINGS)
    assert not any(own["holds"] for own in stated.values())


def test_a_direction_that_the_tables_contradict_does_not_hold(tables):
    risks = tables["regression_risk"].assign(ols=0.3)
    changed = tables | {"regression_risk": risks}
    stated = directions(changed, numbers(changed, SETTINGS), SETTINGS)
    assert stated["misses_ols"]["holds"] is False
    assert stated["is_one_step"]["holds"]
