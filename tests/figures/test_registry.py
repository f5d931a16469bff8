"""Every figure of the registry is drawn, or says what is missing, whatever its tables hold."""

import math
from importlib import import_module

import pandas as pd
import pytest
from published import published

from mechanics.figures import registry, style
from plot import shown

DRAWN = [
    *((task, name) for task, own in registry.FIGURES.items() for name in own),
    *(("modular_addition", name) for name in registry.OF_A_SWEEP),
]
ADDED = "networks that a user adds, though another one diverged"


def of(task: str, name: str) -> list[pd.DataFrame]:
    """The tables of a figure, each of its first and its last network: more take more time."""
    needed = registry.drawn_from(name)
    names = [f"{own} of {task}" if own == registry.HISTORY else own for own in needed]
    return [t[t["model"].isin(t["model"].unique()[[0, -1]])] for t in map(published().get, names)]


def draw(name: str, tables: list[pd.DataFrame]) -> None:
    module = import_module(f"mechanics.figures.{name}")
    style.settle(getattr(module, name)(*shown(module, tables)))


def of_first(table: pd.DataFrame) -> pd.Series:
    return table["model"] == table["model"].iloc[0]


def named(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The first network of a table, by another name."""
    renamed = {key: name for key in ("model", "entry") if key in table}
    return table[of_first(table)].assign(**renamed)


def unmeasured(table: pd.DataFrame) -> pd.DataFrame:
    """All that is no whole number is missing."""
    measured = [name for name in table.select_dtypes("float") if name != "weight_decay"]
    return table.assign(**dict.fromkeys(measured, math.nan))


def diverged(table: pd.DataFrame) -> pd.DataFrame:
    return unmeasured(table.assign(status="diverged") if "status" in table else table)


def joined(table: pd.DataFrame) -> pd.DataFrame:
    """The first network diverged, and a user has added two to the others."""
    first = of_first(table)
    mine = [named(table, model) for model in ("softmax_L2", "my_net")]
    return pd.concat([diverged(table[first]), table[~first], *mine], ignore_index=True)


CASES = {
    ADDED: joined,
    "every seed diverged": diverged,
    "nothing measured": unmeasured,
    "one network, of no known name": lambda table: named(table, "my_net"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("task", "name"), DRAWN)
def test_it_is_drawn_or_says_what_is_missing(task, name, case):
    try:
        draw(name, [CASES[case](table) for table in of(task, name)])
    except style.NothingToDraw as missing:
        assert str(missing) and case != ADDED
    else:
        assert case != "every seed diverged"
