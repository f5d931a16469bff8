"""The published study, as the tests of the report read it."""

from pathlib import Path

import pandas as pd
import pytest

import write_numbers
from mechanics.report.stated import TABLES, stated_settings
from mechanics.study.config import load
from mechanics.tables.frames import read_table

PUBLISHED = Path(__file__).parents[2] / "results/published"


@pytest.fixture(scope="session")
def settings() -> dict:
    return stated_settings(load([str(PUBLISHED / "config.yaml")]))


@pytest.fixture(scope="session")
def tables() -> dict[str, pd.DataFrame]:
    wanted = ["comparative_metrics", *TABLES["linear_regression"], *TABLES["modular_addition"]]
    return {name: read_table(PUBLISHED / f"tables/{name}.csv") for name in wanted}


@pytest.fixture(scope="session")
def content(settings, tables) -> dict:
    """What the report says, made anew from the published tables."""
    return write_numbers.content(settings, tables, sorted(PUBLISHED.glob("runs/*/*/*/run.json")))
